"""Whether runs that share something, or what a run shows early and late, prefer the same; with interval and null."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.intervals import ENDS

__all__ = ["Agreement", "between", "within"]

_PERMUTATIONS = 999
_LEAST = 3  # clusters of which an interval can be known
_ROUNDING = 1e-12  # of a correlation

Pairs = Sequence[tuple[int, int]]


class Agreement(NamedTuple):
    """How alike preferences are.

    Attributes:
        correlation: Over runs or pairs of runs, classes and alternatives.
        low: Lower end of its 95 % interval, by the jackknife over clusters; unknown of fewer than three.
        high: Upper end.
        null_low: 2.5th percentile of it where runs are permuted.
        null_high: 97.5th percentile of the same.
        p_value: Share of the permutations, and of what was measured, that agree as much.
        agree: Share of runs or pairs, and classes, whose preferred alternative is the same.
        agree_null: The same by chance.
    """

    correlation: float
    low: float
    high: float
    null_low: float
    null_high: float
    p_value: float
    agree: float
    agree_null: float


def between(values: NDArray[np.float64], pairs: Pairs, control: Pairs, clusters: Sequence[Any]) -> Agreement:
    r"""Return how alike pairs of runs prefer that share something, against pairs that share nothing.

    .. math:: 1 - \frac{E_{pairs} |x_a - x_b|^2}{E_{control} |x_a - x_b|^2}

    is the intraclass correlation: 1 where pairs prefer the same, 0 where they differ as much as the control. It needs
    no mean over runs, which few runs estimate badly. By chance as many pairs agree as of the control.

    Args:
        values: ``(run, class, alternative)``.
        pairs: Of runs that share something.
        control: Of runs that do not.
        clusters: What each run shares with others, ``(run,)``; the jackknife leaves out one value with its runs.

    Example:
        >>> view = np.array([[[1.0, -1.0]], [[1.0, -1.0]], [[-1.0, 1.0]], [[-1.0, 1.0]]])
        >>> found = between(view, [(0, 1), (2, 3)], [(0, 2), (0, 3), (1, 2), (1, 3)], [0, 0, 1, 1])
        >>> found.correlation, found.agree, found.agree_null
        (1.0, 1.0, 0.0)
    """
    apart = ((values[:, None] - values) ** 2).sum(axis=(-2, -1))
    shared, other = np.array(pairs), np.array(control)
    draw, groups = np.random.default_rng(0), np.array([str(one) for one in clusters])

    def measured(kept: NDArray[np.bool_]) -> float:
        return _intraclass(apart, shared[kept[shared].all(axis=1)], other[kept[other].all(axis=1)])

    orders = [draw.permutation(len(values)) for _ in range(_PERMUTATIONS)]
    null = np.array([_intraclass(apart, order[shared], order[other]) for order in orders])
    value = _intraclass(apart, shared, other)
    named = {str(clusters[one]) for one in shared[:, 0]}
    ends = _interval(value, [groups != name for name in sorted(named)], measured)
    return Agreement(value, *ends, *_null(value, null), _same(values, values, shared), _same(values, values, other))


def within(first: NDArray[np.float64], second: NDArray[np.float64]) -> Agreement:
    """Return how alike each run prefers in two places, early and late.

    The null hands what runs prefer to other runs. The jackknife is over runs.

    Args:
        first: ``(run, class, alternative)``, of mean 0 over runs.
        second: Likewise.

    Example:
        >>> view = np.array([[[1.0, -1.0]], [[-1.0, 1.0]]])
        >>> within(view, view).correlation, within(view, -view).correlation
        (1.0, -1.0)
    """
    runs, draw = len(first), np.random.default_rng(0)
    orders = [draw.permutation(runs) for _ in range(_PERMUTATIONS)]
    null = np.array([_correlation(first, second[order]) for order in orders])
    value, same = _correlation(first, second), np.stack([np.arange(runs)] * 2, axis=1)
    left = [np.arange(runs) != run for run in range(runs)]

    ends = _interval(value, left, lambda kept: _correlation(_centred(first[kept]), _centred(second[kept])))
    chance = float(np.mean([_same(first, second[order], same) for order in orders]))
    return Agreement(value, *ends, *_null(value, null), _same(first, second, same), chance)


def _intraclass(apart: NDArray[np.float64], shared: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    if not len(shared) or not len(other):
        return np.nan
    usual = apart[other[:, 0], other[:, 1]].mean()

    return float(1 - apart[shared[:, 0], shared[:, 1]].mean() / usual) if usual > _ROUNDING else 0.0


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    size = np.sqrt((first**2).sum() * (second**2).sum())

    return float((first * second).sum() / size) if size > _ROUNDING else 0.0


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(axis=0))


def _same(first: NDArray[np.float64], second: NDArray[np.float64], pairs: NDArray[np.integer]) -> float:
    """Return the share of pairs and classes whose preferred alternative is the same."""
    return float((first[pairs[:, 0]].argmax(axis=-1) == second[pairs[:, 1]].argmax(axis=-1)).mean())


def _null(value: float, null: NDArray[np.float64]) -> tuple[float, float, float]:
    low, high = np.quantile(null, ENDS)

    return float(low), float(high), float((1 + np.sum(null >= value - _ROUNDING)) / (1 + len(null)))


def _interval(
    value: float, left: Sequence[NDArray[np.bool_]], measured: Callable[[NDArray[np.bool_]], float]
) -> tuple[float, float]:
    """Return the interval by the jackknife, within [-1, 1]: Student's t over what is left out in turn."""
    count = len(left)
    parts = np.array([measured(kept) for kept in left]) if count >= _LEAST else np.array([np.nan])
    if np.isnan(parts).any():
        return np.nan, np.nan
    reach = float(stats.t.ppf(ENDS[1], count - 1) * np.sqrt((count - 1) * parts.var()))

    return max(-1.0, value - reach), min(1.0, value + reach)
