"""What recording cost: rows, bytes and time of every run."""

from pathlib import Path

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.logs.protocol import LogLike

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
    """Return one row per run: what was recorded and what it took.

    Args:
        study: A study, logs, or a path.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> cost(example_study()[-1])[["rows", "series"]].values.tolist()
        [[401, 2]]
    """
    return pd.DataFrame([_run(log) for log in study.logs], columns=["run", *COLUMNS])


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
    files = [path] if path.is_file() else (one for one in path.rglob("*") if one.is_file() and not one.is_symlink())

    return sum(one.stat().st_size for one in files)
