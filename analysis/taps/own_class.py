"""Logs of the own-class block alone, read as if all had been recorded, with NaN where a class meets another's features.

So what needs only a class's own features is found as ever; what needs the others comes out as NaN, which is "not
recorded", or is left out. Axes: t = step, i = class, r = neuron, j = feature_class, l = view.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.logs.layout import Series
from probes.logs.protocol import LogLike, SeriesLike

__all__ = ["CORRELATIONS", "LAYOUT", "OFF_CLASS", "OwnClassLog", "OwnClassSeries", "widened"]

CORRELATIONS = "correlations"
LAYOUT = ("class", "neuron", "feature_class", "view")

OFF_CLASS = "expected correlations with all classes' features, got a class's own alone; record with taps = \"full\""

_BLOCK = tuple(name for name in LAYOUT if name != "feature_class")


class OwnClassSeries:
    """The series of a block ``(step, class, neuron, view)``, read as ``(step, class, neuron, feature_class, view)``.

    Args:
        block: What was recorded.

    Example:
        >>> from probes.logs.manifest import Manifest
        >>> from probes.logs.memory import memory_log
        >>> manifest = Manifest("single-00", (Series("correlations", ("class", "neuron", "view"), (2, 3, 1)),))
        >>> log = memory_log(manifest, [0], {"correlations": np.ones((1, 2, 3, 1))})
        >>> OwnClassSeries(log["correlations"])[0, :, 0, :, 0].tolist()
        [[1.0, nan], [nan, 1.0]]
    """

    def __init__(self, block: SeriesLike) -> None:
        self._block = block

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``step`` first."""
        return ("step", *LAYOUT)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        steps, classes, neurons, views = self._block.shape

        return steps, classes, neurons, classes, views

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._block.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """The values at an index such as NumPy takes; the first axis counts recorded rows, not steps."""
        rows, *rest = index if isinstance(index, tuple) else (index,)
        found = _wide(self._block[rows])

        return found[(slice(None),) * (found.ndim - len(LAYOUT)) + tuple(rest)] if rest else found

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        """All values."""
        return np.asarray(_wide(np.asarray(self._block)), dtype=dtype)

    def blocks(self, rows: int | None = None) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Steps and values of at most so many rows at a time, or as many as memory has room for, in order."""
        for steps, values in self._block.blocks(rows):
            yield steps, _wide(values)


class OwnClassLog:
    """A log whose series of correlations is read as `OwnClassSeries`; all else is as in the log.

    Args:
        log: The run.
        name: Its series of the own-class block.

    Example:
        >>> from probes.logs.manifest import Manifest
        >>> from probes.logs.memory import memory_log
        >>> manifest = Manifest("single-00", (Series("correlations", ("class", "neuron", "view"), (2, 3, 1)),))
        >>> log = memory_log(manifest, [0], {"correlations": np.ones((1, 2, 3, 1))})
        >>> OwnClassLog(log, "correlations").series["correlations"].dims
        ('class', 'neuron', 'feature_class', 'view')
    """

    def __init__(self, log: LogLike, name: str) -> None:
        self._log, self._name = log, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    @property
    def series(self) -> Mapping[str, Series]:
        """What is recorded, by name; the block as what it is read as."""
        block = self._log.series[self._name]
        classes, neurons, views = block.shape

        return {**self._log.series, self._name: replace(block, dims=LAYOUT, shape=(classes, neurons, classes, views))}

    def __getitem__(self, name: str) -> SeriesLike:
        """The series of that name."""
        return OwnClassSeries(self._log[name]) if name == self._name else self._log[name]


def widened(log: LogLike) -> LogLike:
    """Return a log of the own-class block alone so that it is read as all others are; any other log as it is.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> widened(log) is log
        True
    """
    dims = {name: series.dims for name, series in log.series.items()}
    found = [name for name, axes in dims.items() if axes == _BLOCK]
    if LAYOUT in dims.values() or not found or (len(found) > 1 and CORRELATIONS not in found):
        return log
    wide: Any = OwnClassLog(log, CORRELATIONS if CORRELATIONS in found else found[0])

    return wide  # type: ignore[no-any-return]


def _wide(block: NDArray[Any]) -> NDArray[Any]:
    """Return ``(..., class, neuron, feature_class, view)`` of the block ``(..., class, neuron, view)``."""
    *lead, classes, neurons, views = block.shape
    own = np.arange(classes)
    wide = np.full((*lead, classes, neurons, classes, views), np.nan, block.dtype)
    wide[..., own, :, own, :] = np.moveaxis(block, -3, 0)

    return wide
