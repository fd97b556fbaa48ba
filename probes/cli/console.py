"""Where a command prints: as wide as the terminal, plain and unfolded where there is none, whatever the environment."""

import sys

from rich.console import Console

__all__ = ["PLAIN_WIDTH", "console"]

PLAIN_WIDTH = 200  # columns, where no terminal says how many there are: a table in a file is not cut


def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout, or of stderr; only a stream that is a terminal counts as one.

    FORCE_COLOR, which CI services set, asks rich for colours and makes it fold tables and draw over lines as well: in a
    file these are wrong. What looks like markup is none: a run's reason may begin with
    [Errno 28].

    Example:
        >>> console().is_terminal
        False
    """
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(stderr=stderr, highlight=False, markup=False)

    return Console(
        stderr=stderr, highlight=False, markup=False, width=PLAIN_WIDTH, force_terminal=False, force_interactive=False
    )
