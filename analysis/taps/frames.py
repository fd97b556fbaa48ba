"""Logs into tidy tables: strength and peak of every feature at every step, and beside them their null.

Axes: t = step, i = class, r = neuron, j = feature_class, l = view. A class's own features are those with j = i. The
null of (i, l) is the same statistic of the same neurons on view l of the other classes, j != i: directions orthogonal
to the class's own, which nothing asks the neurons to learn. A log is read one block of steps at a time, and but once:
see `probes.analysis.taps.summaries`.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, each
from probes.analysis.taps.statistics import Statistics
from probes.analysis.taps.summaries import summarised
from probes.logs.protocol import LogLike

__all__ = ["closing", "endpoints", "every_step", "features"]

# Steps looked at in a run's last part, where no table is there to take them from.
_CLOSING = 16

# Rows of the table of `features` that are in memory at once where every step is looked at.
_TABLE_ROWS = 2**18


def features(
    logs: LogLike | Iterable[LogLike], *, steps: Collection[int] | None = None, every: int = 1
) -> pd.DataFrame:
    r"""Return one row per (run, step, class, view) with the feature's strength and peak, and their null.

    .. math::
        strength = \sum_r [\langle w_{i,r}, v_{i,\ell} \rangle]^+, \quad
        peak = \max_r [\langle w_{i,r}, v_{i,\ell} \rangle]^+

    `off_strength` and `off_peak` are the largest strength and the largest peak of class i's neurons on view l of any
    other class, 0 where there is no other class. They need not come from the same class. `chance` is what random
    directions reach at the same step, see `probes.analysis.taps.null`; NaN where the run has not recorded any.

    Args:
        logs: The runs of a study, or one log.
        steps: Take these steps only; one that a run has not recorded gives no row.
        every: Take every so many-th recorded step, beginning with the first, and the last one.

    Raises:
        ValueError: If ``every`` is below 1, or both ``steps`` and ``every`` are given.
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = features(example_study()[-1], steps=[0, 400])
        >>> table.loc[table["class"] == 2, ["step", "view", "strength", "off_strength"]].round(3)
            step  view  strength  off_strength
        4      0     0     0.003         0.004
        5      0     1     0.005         0.006
        16   400     0     0.016         0.004
        17   400     1     4.665         0.006
    """
    if every < 1 or (steps is not None and every != 1):
        raise ValueError(f"expected `every` >= 1, and 1 where `steps` is given, got every={every} and steps={steps}")
    study = each(logs)

    wanted = None if steps is None else np.array(sorted(steps), dtype=np.int64)
    return _table(study, [_chosen(log.steps, wanted, every) for log in study])


def endpoints(logs: LogLike | Iterable[LogLike], *, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of `features` at each run's first and last recorded step.

    Args:
        logs: The runs of a study, or one log.
        frame: Table of `features` to take the rows from, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> endpoints(example_study())["step"].unique().tolist()
        [0, 400]
    """
    study = each(logs)
    if frame is None:
        return _table(study, [_chosen(log.steps, None, max(1, len(log.steps) - 1)) for log in study])

    rows = frame[frame["run"].isin([log.manifest.run_id for log in study])]
    steps = rows.groupby("run", observed=True)["step"]
    ends = (rows["step"] == steps.transform("min")) | (rows["step"] == steps.transform("max"))
    return rows[ends].reset_index(drop=True)


def closing(logs: LogLike | Iterable[LogLike], share: float, *, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of `features` at steps within the last part of each run, its last step among them.

    Args:
        logs: The runs of a study, or one log.
        share: That part, as a share of the recorded steps.
        frame: Table of `features` to take the rows from, where it is already there; else up to 16 steps a run are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> closing(example_study()[-1], 0.01)["step"].unique().tolist()
        [396, 397, 398, 399, 400]
    """
    study = each(logs)
    firsts = [math.ceil(max(0, len(log.steps) - 1) * (1 - share)) for log in study]
    if frame is None:
        return _table(study, [_last_rows(len(log.steps), first) for log, first in zip(study, firsts, strict=True)])

    starts = {log.manifest.run_id: log.steps[first] for log, first in zip(study, firsts, strict=True)}
    rows = frame[frame["run"].isin(list(starts))]
    return rows[rows["step"] >= rows["run"].astype(object).map(starts)].reset_index(drop=True)


def every_step(log: LogLike) -> Iterator[pd.DataFrame]:
    """Yield the table of `features` of one run in pieces of some steps, in order, so that it fits into memory.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [len(piece) for piece in every_step(example_study()[-1])]
        [4812]
    """
    series = correlation_series(log)
    span = max(1, _TABLE_ROWS // (series.shape[0] * series.shape[-1]))

    for start in range(0, max(1, len(log.steps)), span):
        yield _table([log], [np.arange(start, min(start + span, len(log.steps)))])


def _last_rows(count: int, first: int) -> np.ndarray:
    return np.unique(np.linspace(first, count - 1, min(_CLOSING, count - first)).round().astype(np.int64))


def _chosen(recorded: np.ndarray, wanted: np.ndarray | None, every: int) -> np.ndarray:
    """Return the rows of a log to be read."""
    if wanted is not None:
        return np.flatnonzero(np.isin(recorded, wanted))
    rows = np.arange(len(recorded))

    return np.flatnonzero((rows % every == 0) | (rows == len(rows) - 1))


def _table(logs: Sequence[LogLike], rows: Iterable[np.ndarray]) -> pd.DataFrame:
    # One set of categories for all runs: a name is stored once, and not on each of a million rows.
    names = {
        "run": pd.Categorical([log.manifest.run_id for log in logs]),
        "role": pd.Categorical([log.manifest.role for log in logs]),
        "variant": pd.Categorical([log.manifest.variant for log in logs]),
    }
    tables = [
        _run_table(log, chosen, {column: kind[[place]] for column, kind in names.items()})
        for place, (log, chosen) in enumerate(zip(logs, rows, strict=True))
    ]

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(TABLES["features"]))


def _run_table(log: LogLike, rows: np.ndarray, names: dict[str, "pd.Categorical[str]"]) -> pd.DataFrame:
    parts = zip(*summarised(log, rows), strict=True)
    values = {name: np.concatenate(blocks) for name, blocks in zip(Statistics._fields, parts, strict=True)}
    count, classes, views = values["strength"].shape
    values["chance"] = values["chance"].repeat(classes * views)

    columns: dict[str, Any] = {
        **{name: kind.repeat(count * classes * views) for name, kind in names.items()},
        "step": np.repeat(log.steps[rows], classes * views),
        "class": np.tile(np.repeat(np.arange(classes, dtype=np.int16), views), count),
        "view": np.tile(np.arange(views, dtype=np.int8), count * classes),
        **{name: value.ravel() for name, value in values.items()},
    }
    return pd.DataFrame(columns)
