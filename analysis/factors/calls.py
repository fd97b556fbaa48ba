"""What a run prefers, called by the grouping of samples that the other runs give; a call may abstain."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.factors.factor import factor, upper
from probes.analysis.intervals import less, rate

__all__ = ["Call", "call"]


class Call(NamedTuple):
    """How often a run is right in two groups of samples, and the difference with its 95 % interval.

    Attributes:
        upper: Share right of the samples on the upper side.
        lower: Likewise on the lower side.
        difference: The first less the second.
        low: Lower end of its interval.
        high: Upper end.
        side: "upper" or "lower", where the interval excludes 0; "" where the call abstains.
    """

    upper: float
    lower: float
    difference: float
    low: float
    high: float
    side: str


def call(right: NDArray[np.bool_], others: NDArray[np.float64], towards: NDArray[np.float64]) -> Call:
    """Return the call of one run.

    Args:
        right: Which samples it has right, ``(sample,)``.
        others: Standardised rows of two or more other runs, ``(run, sample)``.
        towards: The samples' coordinate in whose orientation the sides are meant, ``(sample,)``.

    Example:
        >>> view = np.repeat([1.0, -1.0], 10)
        >>> found = call(view > 0, np.outer([1, 1, -1], view), view)
        >>> found.upper, found.lower, found.side
        (1.0, 0.0, 'upper')
    """
    found = factor(others).samples
    above = upper(found if found @ towards >= 0 else -found)
    if above.all() or not above.any():
        return Call(*(np.nan,) * 5, "")
    first, second = (rate(int(right[side].sum()), int(side.sum())) for side in (above, ~above))
    difference, low, high, _ = less(first, second)

    return Call(first.value, second.value, difference, low, high, _side((low, high)))


def _side(ends: Sequence[float]) -> str:
    return "upper" if min(ends) > 0 else "lower" if max(ends) < 0 else ""
