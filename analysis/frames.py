"""Logs into tidy tables: strength and peak of every feature at every step, and beside them their null.

Axes: t = step, i = class, r = neuron, j = feature_class, l = view. A class's own features are those with j = i. The
null of (i, l) is the same statistic of the same neurons on view l of the other classes, j != i: directions orthogonal
to the class's own, which nothing asks the neurons to learn. A log is read one block of steps at a time.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.analysis.chance import Chance
from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, each
from probes.store.protocol import LogLike

__all__ = ["BLOCK_BYTES", "closing", "endpoints", "features", "statistics"]

# Large enough that a block is worth its calls, small enough that its copies stay in cache and out of other runs' way.
BLOCK_BYTES = 8 * 2**20

# Steps looked at in a run's last part, where no table is there to take them from.
_CLOSING = 16

_STATISTICS = ("strength", "peak", "off_strength", "off_peak")


def features(
    logs: LogLike | Iterable[LogLike], *, steps: Collection[int] | None = None, every: int = 1
) -> pd.DataFrame:
    r"""Return one row per (run, step, class, view) with the feature's strength and peak, and their null.

    .. math::
        strength = \sum_r [\langle w_{i,r}, v_{i,\ell} \rangle]^+, \quad
        peak = \max_r [\langle w_{i,r}, v_{i,\ell} \rangle]^+

    `off_strength` and `off_peak` are the largest strength and the largest peak of class i's neurons on view l of any
    other class, 0 where there is no other class. They need not come from the same class. `chance` is what random
    directions reach at the same step, see `probes.analysis.chance`; NaN where the run has not recorded any.

    Args:
        logs: The runs of a study, or one log.
        steps: Take these steps only; one that a run has not recorded gives no row.
        every: Take every so many-th recorded step, beginning with the first, and the last one.

    Raises:
        ValueError: If ``every`` is below 1, or both ``steps`` and ``every`` are given.
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.example import example_study
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
        >>> from probes.analysis.example import example_study
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
        >>> from probes.analysis.example import example_study
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


def statistics(correlations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return strength, peak and their null, each ``(step, class, view)``, of one block of correlations.

    Args:
        correlations: ``(step, class, neuron, feature_class, view)``.

    Example:
        >>> strength, peak, off_strength, off_peak = statistics(np.ones((1, 2, 3, 2, 1)))
        >>> strength.ravel().tolist(), off_peak.ravel().tolist()
        ([3.0, 3.0], [1.0, 1.0])
    """
    positive = np.maximum(correlations, 0)
    strength, off_strength = _own_and_null(positive.sum(axis=2))
    peak, off_peak = _own_and_null(positive.max(axis=2))

    return strength, peak, off_strength, off_peak


def _own_and_null(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split ``(step, class, feature_class, view)`` into the diagonal and the largest value beside it."""
    diagonal = np.arange(values.shape[1])
    own = values[:, diagonal, diagonal]
    values[:, diagonal, diagonal] = 0

    return own, values.max(axis=2)


def _last_rows(count: int, first: int) -> np.ndarray:
    return np.unique(np.linspace(first, count - 1, min(_CLOSING, count - first)).round().astype(np.int64))


def _chosen(recorded: np.ndarray, wanted: np.ndarray | None, every: int) -> np.ndarray:
    """Return the rows of a log to be read."""
    if wanted is not None:
        return np.flatnonzero(np.isin(recorded, wanted))
    rows = np.arange(len(recorded))

    return np.flatnonzero((rows % every == 0) | (rows == len(rows) - 1))


def _blocks(log: LogLike, rows: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the statistics and the chance threshold of the chosen rows, in blocks of bounded size."""
    series = correlation_series(log)
    values, chance = log[series.name], Chance(log, series)
    # A power of two, as the steps of a stored chunk are: no chunk is unpacked for two blocks.
    span = 1 << max(0, (BLOCK_BYTES // series.row_bytes).bit_length() - 1)

    # A log without rows gives one empty block, which says which classes and views it would have.
    for start in range(0, max(1, len(log.steps)), span):
        inside = rows[(rows >= start) & (rows < start + span)]
        first, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        if inside.size or start == 0:
            block = values[first:stop][inside - first]
            yield *statistics(block), chance.threshold(inside, block)


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
    parts = zip(*_blocks(log, rows), strict=True)
    values = {name: np.concatenate(blocks) for name, blocks in zip((*_STATISTICS, "chance"), parts, strict=True)}
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
