"""Lines that a command prints, whatever names from files are in them."""

import click

from probes.files.text import printable

__all__ = ["say"]


def say(text: str, *, err: bool = True) -> None:
    r"""Print a line that may hold names from files: what a terminal would obey is escaped.

    Args:
        text: The line.
        err: Whether it goes to stderr.

    Example:
        >>> say("left out: \x1b[2J", err=False)
        left out: \x1b[2J
    """
    click.echo(printable(text), err=err)
