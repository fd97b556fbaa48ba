"""Runs that a command could not read: each is named once the others have been shown, and the command fails."""

from collections.abc import Mapping

import click

from probes.cli.saying import say

__all__ = ["fail_for"]

_FAILED = 1


def fail_for(reasons: Mapping[str, str]) -> None:
    """Name on stderr every run that was left out, and end with exit code 1; do nothing where there is none.

    Args:
        reasons: What is wrong with each, by label or path.

    Raises:
        Exit: A run was left out.

    Example:
        >>> fail_for({})
    """
    for label, reason in reasons.items():
        say(f"probes: left out: {label}: {reason}")
    if reasons:
        raise click.exceptions.Exit(_FAILED)
