"""Estimates with 95 % intervals: rates over samples, means over runs, and what is put together from them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "CONFIDENCE",
    "ENDS",
    "Estimate",
    "bootstrapped",
    "difference",
    "largest",
    "less",
    "mean_of",
    "rate",
    "weighted_sum",
]

CONFIDENCE = 0.95
ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)  # quantiles between which so much lies


class Estimate(NamedTuple):
    """A value with its 95 % interval, NaN where that is unknown, and the number of things it rests on."""

    value: float
    low: float
    high: float
    n: int

    def reach(self, form: str = ".3g") -> str:
        """Return the interval as text; that it is unknown where it is.

        Args:
            form: How to format its ends, as ".1%".

        Example:
            >>> Estimate(0.5, 0.25, 0.75, 4).reach(".0%"), Estimate(0.5, np.nan, np.nan, 1).reach()
            ('25% to 75%', 'interval unknown')
        """
        return "interval unknown" if np.isnan(self.low) else f"{self.low:{form}} to {self.high:{form}}"


def rate(hits: int, n: int) -> Estimate:
    """Return hits / n with Wilson's interval.

    Raises:
        ValueError: If ``n`` is below 1 or ``hits`` lies outside [0, n].

    Example:
        >>> [round(number, 3) for number in rate(8, 10)]
        [0.8, 0.49, 0.943, 10]
    """
    low, high = stats.binomtest(int(hits), int(n)).proportion_ci(CONFIDENCE, method="wilson")

    return Estimate(hits / n, float(low), float(high), int(n))


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean over runs with Student's t interval.

    One run, or runs that are all equal, say nothing about their spread: the interval is then that of the first run.

    Args:
        estimates: One estimate per run.

    Raises:
        ValueError: If there is no estimate.

    Example:
        >>> [round(number, 3) for number in mean_of([rate(4, 10), rate(5, 10), rate(6, 10)])]
        [0.5, 0.252, 0.748, 3]
    """
    if not estimates:
        raise ValueError("expected at least one estimate, got none")
    values = np.array([estimate.value for estimate in estimates])
    first = estimates[0]

    if np.ptp(values) == 0:
        return first._replace(n=len(values))
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, loc=values.mean(), scale=stats.sem(values))

    return Estimate(float(values.mean()), float(low), float(high), len(values))


def weighted_sum(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Return the weighted sum of independent estimates; the interval recovers their variances from their own intervals.

    Method of variance estimates recovery, `Zou & Donner, 2008 <https://doi.org/10.1002/sim.2896>`_, for weights >= 0.
    n is the smallest of the parts'.

    Raises:
        ValueError: If there are not as many weights as estimates.

    Example:
        >>> [round(number, 3) for number in weighted_sum([rate(8, 10), rate(0, 100)], [1.0, 2.0])]
        [0.8, 0.49, 0.961, 10]
    """
    rows = [(weight, *estimate) for estimate, weight in zip(estimates, weights, strict=True)]
    value = sum(weight * estimate for weight, estimate, _, _, _ in rows)

    below = sum((weight * (estimate - low)) ** 2 for weight, estimate, low, _, _ in rows) ** 0.5
    above = sum((weight * (high - estimate)) ** 2 for weight, estimate, _, high, _ in rows) ** 0.5

    return Estimate(value, value - below, value + above, min(estimate.n for estimate in estimates))


def less(first: Estimate, second: Estimate) -> Estimate:
    """Return first - second of two independent estimates; the interval recovers their variances from their own.

    Method of variance estimates recovery, `Zou & Donner, 2008 <https://doi.org/10.1002/sim.2896>`_. n is the smaller.

    Example:
        >>> [round(number, 3) for number in less(rate(8, 10), rate(2, 10))]
        [0.6, 0.162, 0.803, 10]
    """
    value = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)

    return Estimate(value, float(value - below), float(value + above), min(first.n, second.n))


def difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Return mean(first) - mean(second) over runs, with the t interval of two samples of equal spread.

    A sample of one run borrows its spread from the other sample. Samples none of whose runs differ say nothing about
    their spread: the interval is then unknown, its ends NaN. n is the number of runs of both together.

    Raises:
        ValueError: If a sample is empty, or neither has two runs.

    Example:
        >>> [round(number, 3) for number in difference([0.5, 0.4, 0.6], [0.5])]
        [0.0, -0.497, 0.497, 4]
    """
    before, after = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(before.size, after.size) < 1 or before.size + after.size < 3:
        raise ValueError(f"expected two samples with three runs or more together, got {before.size} and {after.size}")

    freedom = before.size + after.size - 2
    squares = ((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()
    spread = np.sqrt(squares / freedom * (1 / before.size + 1 / after.size))
    value = float(before.mean() - after.mean())
    reach = float(stats.t.ppf(ENDS[1], freedom) * spread) if squares > 0 else np.nan

    return Estimate(value, value - reach, value + reach, before.size + after.size)


def bootstrapped(
    values: ArrayLike, statistic: Callable[..., ArrayLike], *, draws: int = 9999, seed: int = 0
) -> Estimate:
    """Return a statistic over runs with its percentile bootstrap interval.

    One run, or runs that are all equal, say nothing about their spread: the interval is then unknown, its ends NaN.
    Not for a maximum, see `largest`.

    Args:
        values: One value per run.
        statistic: Takes values and ``axis``, as `numpy.mean` does.
        draws: Number of resampled sets of runs.
        seed: Seed of the resampling.

    Example:
        >>> bootstrapped([0.1, 0.2, 0.4], np.median)
        Estimate(value=0.2, low=0.1, high=0.4, n=3)
        >>> bootstrapped([0.1], np.mean)
        Estimate(value=0.1, low=nan, high=nan, n=1)
    """
    sample = np.asarray(values, dtype=float)
    value = float(np.asarray(statistic(sample, axis=0)))
    if _equal(sample):
        return Estimate(value, np.nan, np.nan, sample.size)

    resampled = np.random.default_rng(seed).choice(sample, (draws, sample.size))
    drawn = np.asarray(statistic(resampled, axis=1), dtype=float)
    low, high = np.quantile(drawn, ENDS)

    return Estimate(value, float(low), float(high), sample.size)


def largest(values: ArrayLike, *, draws: int = 9999, seed: int = 0) -> Estimate:
    """Return the largest value over runs, with the interval in which the largest over as many other runs would lie.

    A resampled maximum can never exceed the sample's, so that a percentile bootstrap has no upper side. Here runs are
    taken as normal, of unknown mean and variance under the usual flat prior (`Gelman et al., Bayesian Data Analysis
    <https://sites.stat.columbia.edu/gelman/book/>`_, 3.2), and the interval is the predictive one. One run, or runs
    that are all equal, say nothing about their spread: its ends are then NaN.

    Args:
        values: One value per run.
        draws: Number of sets of other runs.
        seed: Seed of the draws.

    Example:
        >>> [round(number, 1) for number in largest([0.1, 0.2, 0.4, 0.3])]
        [0.4, 0.2, 0.9, 4]
    """
    sample = np.asarray(values, dtype=float)
    size, value = sample.size, float(sample.max())
    if _equal(sample):
        return Estimate(value, np.nan, np.nan, size)

    draw = np.random.default_rng(seed)
    spread = np.sqrt((size - 1) * sample.var(ddof=1) / draw.chisquare(size - 1, draws))
    centre = draw.normal(sample.mean(), spread / np.sqrt(size))
    drawn = draw.normal(centre, spread, (size, draws)).max(axis=0)
    low, high = np.quantile(drawn, ENDS)

    return Estimate(value, float(low), float(high), size)


def _equal(sample: NDArray[np.float64]) -> bool:
    return sample.size < 2 or float(np.ptp(sample)) == 0
