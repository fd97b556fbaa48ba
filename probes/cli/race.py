"""The race of a run's features at one step: how strong each has become, by view where there are two.

Axes: i = class, r = neuron, j = feature_class, l = view.
"""

from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from probes.analysis.facts import correlation_series
from probes.analysis.rule import RULE
from probes.analysis.taps.statistics import statistics
from probes.errors import LogError
from probes.logs.layout import Series
from probes.logs.protocol import LogLike

__all__ = ["GROWN", "VIEWS", "Course", "Race", "course_of"]

VIEWS = 2
# While a run is recorded the typical winner of `RULE` has not won yet, so that whoever leads would count as learned: in
# the runs of two studies up to six features, at some step, that were not in the end. With a floor of ten times the null
# at step 0 it was one at most, in all but one of 25 runs.
GROWN = 10


@dataclass(frozen=True, eq=False)
class Race:
    """How strong every feature is at one step.

    Attributes:
        measure: "strength" of a class's own features, or "peak" over all neurons where the series knows no classes.
        names: What the rows stand for: classes, or features.
        values: ``(row, side)``: a side for each of two views, else one.
        learned: Whether each counts as learned by `probes.analysis.rule.RULE`, the step taken for the run's last, and
            is above the floor; None where the rule does not apply.
        null: Median strength of a class's neurons on features of other classes; 0 where that is unknown.

    Example:
        >>> race = Race("peak", ("0", "1"), np.array([[0.5], [2.0]]))
        >>> race.won is None, race.values.max()
        (True, np.float64(2.0))
    """

    measure: str
    names: tuple[str, ...]
    values: NDArray[np.float64]
    learned: NDArray[np.bool_] | None = None
    null: float = 0.0

    @property
    def won(self) -> int | None:
        """How many classes have a feature that counts as learned."""
        return None if self.learned is None else int(self.learned.any(axis=1).sum())


@dataclass(frozen=True)
class Course:
    """Which series of a run shows the race, and how a row of it becomes one.

    Attributes:
        series: The series.
        own: Whether it is one of feature correlations, ``(class, neuron, feature_class, view)``.
        features: How many of its last axes count features.

    Example:
        >>> course = Course(Series("conv1.weight", ("neuron", "feature"), (2, 3)), own=False, features=1)
        >>> course.race(np.array([[0.1, -0.2, 0.3], [0.5, -0.1, 0.2]])).values.ravel().tolist()
        [0.5, 0.0, 0.3]
    """

    series: Series
    own: bool
    features: int

    def race(self, row: NDArray[np.floating], *, floor: float = 0.0, chance: float = np.nan) -> Race:
        """Return the race at one step.

        Args:
            row: The series at that step.
            floor: What counts as learned is larger.
            chance: What random directions reach at that step, see `probes.analysis.taps.null`; NaN where unknown.
        """
        return _strengths(row, floor, chance) if self.own else _peaks(row, self.series, self.features)


def course_of(log: LogLike) -> Course | None:
    """Return where a run's race is to be seen, or None if no series of it counts features.

    Without a series of feature correlations it is the first whose last axes are those of its directions.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> course_of(example_study()[0]).own
        True
    """
    with suppress(LogError):
        return Course(correlation_series(log), own=True, features=2)
    for series in log.series.values():
        with suppress(LogError):
            names = tuple(log.directions(series.name).names)
            if series.dims[-len(names) :] == names:
                return Course(series, own=False, features=len(names))
    return None


def _strengths(row: NDArray[np.floating], floor: float, chance: float) -> Race:
    """Return the race of a row ``(class, neuron, feature_class, view)``."""
    strength, _, off_strength, _ = (values[0] for values in statistics(row[None]))
    null = float(np.nan_to_num(np.median(off_strength)))
    # Without a data frame: that takes five times as long as reading the row.
    typical = np.median(strength.max(axis=1))
    learned = RULE.holds(strength, typical=typical, null=null, chance=chance) & (strength > floor)

    return Race("strength", tuple(map(str, range(len(strength)))), strength, learned, null)


def _peaks(row: NDArray[np.floating], series: Series, features: int) -> Race:
    """Return the race of a row whose last axes count features, the others neurons of any kind."""
    dims, shape = series.dims[-features:], row.shape[-features:]
    peaks = np.maximum(row.reshape(-1, *shape).max(axis=0), 0)
    paired = features > 1 and shape[-1] == VIEWS
    named = dims[:-1] if paired else dims
    numbers = [tuple(map(str, range(length))) for length in shape]
    labels = [series.labels.get(dim, number) for dim, number in zip(named, numbers, strict=False)]

    return Race("peak", tuple(map(".".join, product(*labels))), peaks.reshape(prod(map(len, labels)), -1))
