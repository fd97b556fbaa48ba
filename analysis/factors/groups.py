"""How well a coordinate of samples parts the groups that were recorded with them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Separation", "separation"]

_PERMUTATIONS = 199


class Separation(NamedTuple):
    """The two groups that a coordinate parts most, the area under its ROC curve for them, and what chance reaches."""

    upper_group: str = ""
    lower_group: str = ""
    auc: float = np.nan
    auc_null: float = np.nan


def separation(coordinate: NDArray[np.float64], groups: NDArray[Any]) -> Separation:
    """Return how well a coordinate parts two groups: those of the highest and the lowest mean.

    Its null, the 95th percentile of 199 permutations of the groups, chooses two in the same way. Of one group alone
    there is nothing to part.

    Args:
        coordinate: ``(sample,)``.
        groups: The name of each sample's group, ``(sample,)``.

    Example:
        >>> found = separation(np.array([0.9, 1.0, -1.0, -0.9, 0.1]), np.array(["a", "a", "b", "b", "both"]))
        >>> found[:3]
        ('a', 'b', 1.0)
    """
    names, places = np.unique(groups.astype(str), return_inverse=True)
    if len(names) < 2:
        return Separation()
    draw = np.random.default_rng(0)
    first, last, auc = _parted(coordinate, places)
    null = [_parted(coordinate, draw.permutation(places))[2] for _ in range(_PERMUTATIONS)]

    return Separation(str(names[first]), str(names[last]), auc, float(np.quantile(null, 0.95)))


def _parted(coordinate: NDArray[np.float64], places: NDArray[np.integer]) -> tuple[int, int, float]:
    means = pd.Series(coordinate).groupby(places).mean()
    first, last = int(means.to_numpy().argmax()), int(means.to_numpy().argmin())
    above, below = coordinate[places == first], coordinate[places == last]
    greater = stats.mannwhitneyu(above, below).statistic

    return first, last, float(greater / (len(above) * len(below)))
