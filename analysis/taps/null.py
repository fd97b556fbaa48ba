r"""What directions without meaning get: the null of random directions that was recorded with the same run.

Axes: t = step, i = class, r = neuron, l = view, u = random direction, f = feature.

`RandomDirections` is the null of a feature in any tap: the 99th percentile, over random directions, of the strength and
of the peak that the same units show along them at the same step. Where a run has recorded none, what all features show
at step 0 stands in for it, which does not know how much longer the weights have become since.

`OwnClassNull` is that of a class's own features. Where all weights lie in the span of the features, as with private
noise, a random direction is a mixture of features: a class that learned one of them with strength A shows about
A :math:`|\langle u, v \rangle|` along it, up to half of A at twelve classes. That much is no chance, so what a class's
own features alone would give along u is taken off first:

.. math::
    \Big[\Phi_{i,u} - \sum_r \big[ \sum_\ell \langle w_{i,r}, v_{i,\ell} \rangle \langle v_{i,\ell}, u \rangle \big]^+
    \Big]^+, \quad \Phi_{i,u} = \sum_r [\langle w_{i,r}, u \rangle]^+
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.taps.statistics import sizes
from probes.analysis.taps.tap import Tap, tap_of
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.protocol import LogLike, SeriesLike

__all__ = ["PERCENTILE", "Levels", "OwnClassNull", "RandomDirections"]

PERCENTILE = 99.0

# As many random directions as a percentile over classes needs; more only take time.
_MOST = 32
# The axes of what the recorder keeps of random directions.
_RANDOM, _STATISTIC = "random", "statistic"
_RECORDED = "random directions at the same step"  # where a null comes from


class Levels(NamedTuple):
    """What random directions of unit length reach at some steps, each ``(step,)``; NaN where that is not known."""

    strength: NDArray[np.float64]
    peak: NDArray[np.float64]


class RandomDirections:
    """The null of one run's tap.

    Args:
        log: The run.
        tap: Its tap.

    Attributes:
        source: Where the levels come from, in words: random directions, step 0, or "" where nothing is known.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("w", ("neuron", "feature"), (2, 3))
        >>> log = memory_log(Manifest("a", (series,)), [0, 1], {"w": np.ones((2, 2, 3))})
        >>> null = RandomDirections(log, Tap("w", ("neuron",), (2,), ("feature",), (3,)))
        >>> null.source, null.levels(np.arange(2)).peak.tolist()
        ('all features at step 0', [1.0, 1.0])
    """

    def __init__(self, log: LogLike, tap: Tap) -> None:
        series = log.series.get(f"{tap.name}.null")
        whole = tap_of(log, series) if series else None
        self._tap, self._log = tap, log
        self._whole = whole if whole and whole.units == tap.units else None
        self._reduced = series if series and tap.units and {_RANDOM, _STATISTIC} <= set(series.dims) else None
        if self._reduced or self._whole:
            self.source = _RECORDED
        else:
            self.source = "all features at step 0" if len(log.steps) and log.steps[0] == 0 else ""

    def levels(self, rows: NDArray[np.integer]) -> Levels:
        """Return the levels at each of these rows, which rise."""
        if not len(rows) or not self.source:
            return Levels(np.full(len(rows), np.nan), np.full(len(rows), np.nan))
        if not (self._reduced or self._whole):
            first = _of_units(self._tap, self._log[self._tap.name][:1])
            return Levels(*(np.percentile(found, PERCENTILE, axis=1).repeat(len(rows)) for found in first))

        values = self._log[f"{self._tap.name}.null"][int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]]
        found = self._labelled(self._reduced, values) if self._reduced else _of_units(self._whole or self._tap, values)
        return Levels(*(np.percentile(part, PERCENTILE, axis=1) for part in found))

    def _labelled(self, series: Series, values: NDArray[np.floating]) -> Sequence[NDArray[np.floating]]:
        """Return both statistics of every random direction; where units of a class were reduced apart, of all of them.

        Of the largest units alone there is a peak, and no strength.
        """
        strength, peak = (_statistic(values, series, name) for name in ("strength", "peak"))
        apart = tuple(1 + place for place, dim in enumerate(series.dims[:-1]) if dim != _RANDOM)
        if "rank" in self._tap.units:
            strength = np.full_like(strength, np.nan)

        return strength.sum(axis=apart), peak.max(axis=apart)


class OwnClassNull:
    """The null of one run's own-class tap: the 99th percentile, over classes and random directions, of the strength.

    Args:
        log: The run.
        tap: Its own-class tap; the null is the series called ``<its name>.null``.

    Attributes:
        source: Where the threshold comes from, in words; "" where no null was recorded.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> OwnClassNull(log, taps_of(log)["correlations"]).threshold(np.arange(2), np.zeros((2, 6, 6, 6, 2))).shape
        (2,)
    """

    def __init__(self, log: LogLike, tap: Tap) -> None:
        series = log.series.get(f"{tap.name}.null")
        self._series = series if series and series.dims[0] == "class" else None
        self._values: SeriesLike | None = log[series.name] if self._series and series else None
        self.source = _RECORDED if self._series else ""
        reduced = bool(series and _STATISTIC in series.dims)
        self._norm = float(np.sqrt(np.square(tap.norms).mean())) if reduced else 1.0
        self._units = len(tap.units) if series and series.dims[: len(tap.units)] == tap.units else 1
        self._overlap = _overlap(log, tap, series.name) if self._series and series else None

    def threshold(self, rows: NDArray[np.integer], correlations: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the threshold at each of these rows, ``(step,)``; NaN where no null was recorded.

        Args:
            rows: Recorded rows, rising.
            correlations: Those of the same rows, ``(step, class, neuron, feature_class, view)``.
        """
        if self._values is None or not len(rows):
            return np.full(len(rows), np.nan)
        values = self._values[int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]]
        strength = self._norm * self._strength(values)[:, :, :_MOST]
        mixed = 0 if self._overlap is None else _mixed(correlations, self._norm * self._overlap)

        rest = np.maximum(strength - mixed, 0)
        return np.asarray(np.percentile(rest.reshape(len(rest), -1), PERCENTILE, axis=1), dtype=float)

    def _strength(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the strength of every class along each random direction, ``(step, class, direction)``."""
        if self._series and _STATISTIC in self._series.dims:
            values = _statistic(values, self._series, "strength_positive")
        elif self._units > 1:
            values = np.maximum(values, 0).sum(axis=tuple(range(2, 1 + self._units)))

        return values.reshape(*values.shape[:2], -1)


def _of_units(tap: Tap, values: NDArray[np.floating]) -> Sequence[NDArray[np.floating]]:
    """Return strength and peak of every feature of a series, each ``(step, feature)``, for directions of length 1."""
    found = sizes(tap.sizes(values).reshape(len(values), -1, tap.features))

    return found.strength / _lengths(tap), found.peak / _lengths(tap)


def _lengths(tap: Tap) -> NDArray[np.float64]:
    """Return the norm of every feature, infinite where its direction is zero, so that nothing is seen along it."""
    return np.where(tap.norms > 0, tap.norms, np.inf)


def _statistic(values: NDArray[np.floating], series: Series, name: str) -> NDArray[np.floating]:
    """Return one of the statistics, by its label on the axis of statistics, which is the last."""
    place = series.labels[_STATISTIC].index(name)

    return values[..., place]


def _overlap(log: LogLike, tap: Tap, null: str) -> NDArray[np.floating] | None:
    """Return <v, u> / <v, v> of each class's own features, ``(class, view, direction)``; None where all are 0."""
    if tap.directions is None or tap.component:
        return None
    try:
        random = np.asarray(log.directions(null).vectors, dtype=float)
    except LogError:
        return None
    own = tap.vectors[:, 0] / np.square(_lengths(tap))[:, None]
    overlap = own @ random.reshape(-1, random.shape[-1])[:_MOST].T
    overlap = overlap.reshape(tap.shape[0], -1, overlap.shape[-1])

    return np.asarray(overlap, dtype=np.float32) if np.any(np.abs(overlap) > 0) else None


def _mixed(correlations: NDArray[np.floating], overlap: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the strength along each direction that a class's own features explain, ``(step, class, direction)``."""
    classes = np.arange(len(overlap))
    own = correlations[:, classes, :, classes]  # (class, step, neuron, view)
    along = np.matmul(own, overlap[:, None])

    return np.asarray(np.maximum(along, 0, out=along).sum(axis=2).swapaxes(0, 1))
