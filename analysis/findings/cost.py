"""What recording cost: rows, bytes and time of every run."""

import stat
from pathlib import Path

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "cost", "panel"]

COLUMNS = {
    "rows": "number of recorded steps",
    "series": "number of recorded series",
    "bytes": "size of the run's files",
    "wall_seconds": "time from the first row to the end of the log",
    "recording_seconds": "of these, what recording took from the training",
    "recording_share": "recording_seconds / wall_seconds",
}


@finding
def cost(study: Study) -> pd.DataFrame:
    """Return one row per run whose log can be read: what was recorded and what it took.

    Args:
        study: A study, logs, or a path.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> cost(example_study()[-1])[["rows", "series"]].values.tolist()
        [[401, 2]]
    """
    readable = [log for log in study.logs if log.label not in study.unreadable]

    return pd.DataFrame([_run(log) for log in readable], columns=["run", *COLUMNS])


def panel(study: Study) -> Panel:
    """Return the panel of what recording cost, a table."""
    table = cost(study)
    shares = table["recording_share"].dropna()
    share = f"; recording took {shares.median():.1%} of the time (median)" if len(shares) else ""
    caption = f"{len(table)} runs, {table['rows'].sum():,} rows, {table['bytes'].sum() / 1e6:,.1f} MB{share}."

    return Panel("cost", "What recording cost", caption, table)


def _run(log: LogLike) -> dict[str, object]:
    wall, spent = log.manifest.wall_seconds, log.manifest.recording_seconds

    return {
        "run": log.label,
        "rows": len(log.steps),
        "series": len(log.series),
        "bytes": _size(Path(log.path)),
        "wall_seconds": wall or None,
        "recording_seconds": spent if wall else None,
        "recording_share": spent / wall if wall and spent else None,
    }


def _size(path: Path) -> int:
    return sum(map(_bytes, [path] if path.is_file() else path.rglob("*")))


def _bytes(path: Path) -> int:
    """Return the size of a file; 0 of what is none, or is gone, as the journals of a run that is being recorded."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0

    return found.st_size if stat.S_ISREG(found.st_mode) else 0
