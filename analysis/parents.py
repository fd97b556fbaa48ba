"""Which run a student's parent is, where several runs below one root have the same id."""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from probes.log.protocol import LogLike

__all__ = ["parent_of"]


def parent_of(student: LogLike, run_id: str, logs: Iterable[LogLike]) -> LogLike | None:
    """Return the run of that id whose folder is nearest to the student's; None where there is not one alone.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> parent_of(logs[3], "single-01", logs).label
        'single-01'
    """
    named = [log for log in logs if log.manifest.run_id == run_id and log is not student]
    shared = [_shared(log.path, student.path) for log in named]
    nearest = [log for log, depth in zip(named, shared, strict=True) if depth == max(shared)]

    return nearest[0] if len(nearest) == 1 else None


def _shared(first: Path, second: Path) -> int:
    """Return how many folders two paths begin with alike."""
    pairs = zip(first.parent.parts, second.parent.parts, strict=False)

    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
