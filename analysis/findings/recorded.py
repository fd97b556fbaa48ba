"""Recorded series as tidy tables: one row a value, under the user's own axis names, thinned where there are many."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.study import Study
from probes.log.layout import STEP, Series
from probes.log.protocol import LogLike

__all__ = ["POINTS", "axis_column", "chosen_rows", "named", "product", "tidy"]

POINTS = 201  # steps of a run, as many as a screen shows: step 0 and 200 updates
_COLUMNS = frozenset({"run", "role", "variant", "series", "step", "value"})  # that tables of series have themselves


def axis_column(axis: str) -> str:
    """Return what an axis is called as a column: its name, with ``_axis`` at the end where tables have a column so.

    Example:
        >>> axis_column("neuron"), axis_column("value")
        ('neuron', 'value_axis')
    """
    return f"{axis}_axis" if axis in _COLUMNS else axis


def named(study: Study, *kinds: str) -> Mapping[str, Sequence[LogLike]]:
    """Return the series of these kinds, by the `quantity` they were recorded with, each with the usable runs of it.

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("w.spectrum", ("rank",), (2,), quantity="spectrum")
        >>> study = Study(memory_log(Manifest("a", (series,)), [0], {"w.spectrum": [[2.0, 1.0]]}))
        >>> list(named(study, "spectrum")), list(named(study, "rank"))
        (['w.spectrum'], [])
    """
    found: dict[str, list[LogLike]] = {}
    for log in study.usable:
        for name, series in log.series.items():
            if series.quantity in kinds and len(log[name].steps):
                found.setdefault(name, []).append(log)

    return found


def chosen_rows(rows: int, points: int = POINTS) -> NDArray[np.int64]:
    """Return so many of the rows, evenly spread, with both ends.

    Example:
        >>> chosen_rows(5, 3).tolist(), chosen_rows(2).tolist()
        ([0, 2, 4], [0, 1])
    """
    return np.unique(np.linspace(0, rows - 1, min(points, rows)).round().astype(np.int64))


def tidy(log: LogLike, name: str, *, most: int) -> pd.DataFrame:
    """Return one row per (step, entry) of a series of a run: step, a column for each axis, value.

    Of 201 steps at most, and so many values: first fewer steps are taken, evenly spread; where two steps alone are too
    many, also every second entry of the longest axis, or every third, and so on. ``attrs["thinned"]`` has what was
    left out, in words, "" where nothing was.

    Args:
        log: The run.
        name: The series, with at least one row.
        most: Number of values.

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("w", ("neuron",), (2,))
        >>> tidy(memory_log(Manifest("a", (series,)), [0, 5], {"w": [[1, 2], [3, 4]]}), "w", most=100)
           step  neuron  value
        0     0       0    1.0
        1     0       1    2.0
        2     5       0    3.0
        3     5       1    4.0
    """
    series, recorded = log.series[name], log[name]
    entries = _entries(series.shape, most // 2)
    size = math.prod(map(len, entries))
    rows = chosen_rows(len(recorded.steps), min(POINTS, max(2, most // size)))
    values = recorded[rows][np.ix_(np.arange(len(rows)), *entries)]

    called = {dim: _called(series, dim, kept) for dim, kept in zip(series.dims, entries, strict=True)}
    table = product({"step": recorded.steps[rows].tolist()} | called).assign(value=values.ravel())
    table.attrs["thinned"] = _left_out(len(rows), len(recorded.steps), size, math.prod(series.shape))
    return table


def product(entries: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return one row for every combination of the entries of some axes, the last axis fastest, a column each.

    Example:
        >>> product({"step": [0, 5], "kind": ["a", "b"]}).values.tolist()
        [[0, 'a'], [0, 'b'], [5, 'a'], [5, 'b']]
    """
    table: pd.DataFrame = pd.MultiIndex.from_product(list(entries.values())).to_frame(index=False)
    table.columns = pd.Index([name if name == STEP else axis_column(name) for name in entries])
    return table


def _entries(shape: Sequence[int], most: int) -> Sequence[NDArray[np.int64]]:
    """Return which entries of each axis are taken, so that there are not many more of them in all."""
    strides = [1] * len(shape)
    while math.prod(counts := [-(-length // stride) for length, stride in zip(shape, strides, strict=True)]) > most:
        strides[int(np.argmax(counts))] += 1

    return [np.arange(0, length, stride) for length, stride in zip(shape, strides, strict=True)]


def _called(series: Series, axis: str, entries: NDArray[np.int64]) -> Sequence[object]:
    labels = series.labels.get(axis, ())

    return [labels[entry] for entry in entries] if len({*labels}) == len(labels) > 0 else entries.tolist()


def _left_out(steps: int, of_steps: int, entries: int, of_entries: int) -> str:
    parts = [
        *([f"{steps} of {of_steps:,} steps"] * (steps < of_steps)),
        *([f"{entries:,} of {of_entries:,} entries"] * (entries < of_entries)),
    ]

    return ", ".join(parts)
