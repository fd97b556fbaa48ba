"""What is stored of a block of correlations: strength and peak of every feature, their null, and the extremes.

Axes: t = step, i = class, r = neuron, j = feature_class, l = view; u = unit, f = feature. Every statistic is of one
step alone, so that it does not depend, to the last bit, on which steps are read together.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Extremes", "Sizes", "Statistics", "sizes", "statistics"]


class Statistics(NamedTuple):
    """The statistics of some steps, each ``(step, class, view)``, and what random directions reach, ``(step,)``."""

    strength: NDArray[np.floating]
    peak: NDArray[np.floating]
    neuron: NDArray[np.integer]  # the neuron at the peak
    off_strength: NDArray[np.floating]
    off_peak: NDArray[np.floating]
    null: NDArray[np.float64]


class Sizes(NamedTuple):
    """How large a feature is in all units, each ``(step, feature)``."""

    strength: NDArray[np.floating]
    peak: NDArray[np.floating]
    neuron: NDArray[np.integer]  # the unit at the peak


def sizes(values: NDArray[np.floating]) -> Sizes:
    r"""Return strength :math:`\sum_u |c_{u,f}|`, peak :math:`\max_u |c_{u,f}|` and the unit at the peak.

    Args:
        values: ``(step, unit, feature)``.

    Example:
        >>> found = sizes(np.array([[[1.0, -2.0], [-3.0, 1.0]]]))
        >>> found.strength.tolist(), found.peak.tolist(), found.neuron.tolist()
        ([[4.0, 3.0]], [[3.0, 2.0]], [[1, 0]])
    """
    both = np.abs(values)

    return Sizes(both.sum(axis=1), both.max(axis=1), both.argmax(axis=1))


def statistics(
    correlations: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.integer], NDArray[np.floating], NDArray[np.floating]]:
    """Return strength, peak, the neuron at the peak, and the null of both, each ``(step, class, view)``.

    Args:
        correlations: ``(step, class, neuron, feature_class, view)``.

    Example:
        >>> strength, peak, neuron, off_strength, off_peak = statistics(np.ones((1, 2, 3, 2, 1)))
        >>> strength.ravel().tolist(), off_peak.ravel().tolist()
        ([3.0, 3.0], [1.0, 1.0])
    """
    classes = np.arange(correlations.shape[1])
    strength, off_strength = _own_and_null(np.maximum(correlations, 0).sum(axis=2))
    peak, off_peak = _own_and_null(np.maximum(correlations.max(axis=2), 0))
    neuron = correlations[:, classes, :, classes].argmax(axis=2).swapaxes(0, 1).astype(np.int32)

    return strength, peak, neuron, off_strength, off_peak


@dataclass(frozen=True)
class Extremes:
    """The first and the last recorded row of a run's correlations, and the extremes of each over all steps.

    Values that are no numbers are passed over, unless there is no other.

    Attributes:
        first: At the first step, ``(class, neuron, feature_class, view)``, as all others.
        last: At the last step.
        smallest: Over all steps.
        largest: Over all steps.

    Example:
        >>> found = Extremes.of(np.array([[1.0, 5.0], [3.0, 2.0]])).joined(Extremes.of(np.array([[-1.0, np.nan]])))
        >>> found.last.tolist(), found.smallest.tolist(), found.largest.tolist()
        ([-1.0, nan], [-1.0, 2.0], [3.0, 5.0])
    """

    first: NDArray[np.floating]
    last: NDArray[np.floating]
    smallest: NDArray[np.floating]
    largest: NDArray[np.floating]

    @classmethod
    def of(cls, block: NDArray[np.floating]) -> Self:
        """Return those of a block of at least one step, ``(step, ...)``."""
        return cls(block[0].copy(), block[-1].copy(), np.fmin.reduce(block), np.fmax.reduce(block))

    def joined(self, later: "Extremes") -> "Extremes":
        """Return those of these steps and of later ones together."""
        smallest, largest = np.fmin(self.smallest, later.smallest), np.fmax(self.largest, later.largest)

        return Extremes(self.first, later.last, smallest, largest)


def _own_and_null(values: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Split ``(step, class, feature_class, view)`` into the diagonal and the largest value beside it."""
    diagonal = np.arange(values.shape[1])
    own = values[:, diagonal, diagonal]
    values[:, diagonal, diagonal] = 0

    return own, values.max(axis=2)
