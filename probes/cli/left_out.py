"""Runs that a command could not read: each is named once the others have been shown, and the command fails."""

from collections.abc import Iterable, Mapping

import click

from probes.analysis.study import Study
from probes.cli.messages import say

__all__ = ["damaged", "fail_for"]

_FAILED = 1


def damaged(studies: Iterable[Study]) -> dict[str, str]:
    """Return what is wrong with the runs of studies: those left out, and those with rows that cannot be read.

    Args:
        studies: The studies, after their findings were made: reading a series may find more.

    Example:
        >>> damaged([])
        {}
    """
    found: dict[str, str] = {}
    for study in studies:
        found |= study.unreadable
        found |= {log.label: "; ".join(log.faults) for log in study.usable if log.faults}

    return found


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
        say(f"probes: {label}: {reason}")
    if reasons:
        raise click.exceptions.Exit(_FAILED)
