"""Logs of the own-class block alone, read as if all had been recorded, with NaN where a class meets another's features.

So what needs only a class's own features is found as ever; what needs the others comes out as NaN, which is "not
recorded", or is left out. Axes: t = step, i = class, r = neuron, j = feature_class, l = view.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.analysis.taps.tap import may_be_tap
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.protocol import LogLike, SeriesLike

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
        >>> from probes.log.manifest import Manifest
        >>> from probes.log.memory import memory_log
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
    def steps(self) -> NDArray[np.int64]:
        """The steps at which the series has rows, rising."""
        return self._block.steps

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
    """A log some of whose series are read as `OwnClassSeries`; all else is as in the log.

    Args:
        log: The run.
        names: Its series of own-class blocks.

    Example:
        >>> from probes.log.manifest import Manifest
        >>> from probes.log.memory import memory_log
        >>> manifest = Manifest("single-00", (Series("correlations", ("class", "neuron", "view"), (2, 3, 1)),))
        >>> log = memory_log(manifest, [0], {"correlations": np.ones((1, 2, 3, 1))})
        >>> OwnClassLog(log, {"correlations"}).series["correlations"].dims
        ('class', 'neuron', 'feature_class', 'view')
    """

    def __init__(self, log: LogLike, names: Collection[str]) -> None:
        self._log, self._names = log, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    @property
    def series(self) -> dict[str, Series]:
        """What is recorded, by name; a block as what it is read as."""
        known = dict(self._log.series)

        return known | {name: _widened(known[name]) for name in self._names}

    def __getitem__(self, name: str) -> SeriesLike:
        """The series of that name."""
        return OwnClassSeries(self._log[name]) if name in self._names else self._log[name]


def widened(log: LogLike) -> LogLike:
    """Return a log of own-class blocks so that they are read as whole taps are; any other log as it is.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> widened(log) is log
        True
    """
    found = {name for name, series in log.series.items() if may_be_tap(series) and _is_block(log, series)}
    wide: Any = OwnClassLog(log, found) if found else log

    return wide  # type: ignore[no-any-return]


def _is_block(log: LogLike, series: Series) -> bool:
    """Whether a series has the block's axes, and its directions, where some are stored, those of other classes, too."""
    if series.dims != _BLOCK:
        return False
    try:
        return "feature_class" in log.directions(series.name).names
    except LogError:
        return True


def _widened(block: Series) -> Series:
    classes, neurons, views = block.shape

    return replace(block, dims=LAYOUT, shape=(classes, neurons, classes, views))


def _wide(block: NDArray[Any]) -> NDArray[Any]:
    """Return ``(..., class, neuron, feature_class, view)`` of the block ``(..., class, neuron, view)``."""
    *lead, classes, neurons, views = block.shape
    own = np.arange(classes)
    wide = np.full((*lead, classes, neurons, classes, views), np.nan, block.dtype)
    wide[..., own, :, own, :] = np.moveaxis(block, -3, 0)

    return wide
