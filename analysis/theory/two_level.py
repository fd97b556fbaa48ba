r"""The mean over seeds with a two-level bootstrap's interval: seeds are resampled, and in each what it measured.

Within a seed the values that a measurement is the mean of, one a run, class or pair, are resampled. Of what is no such
mean (a share, an error over samples, a largest value) only a summary is there: the within-seed deviation is then drawn
from its interval's law, as a normal one that has the interval's lower half-width below and its upper one above, which
for means of independent estimates is the method of variance estimates recovery (`Zou & Donner, 2008
<https://doi.org/10.1002/sim.2896>`_).

Plain resampling at both levels counts what happens within seeds twice, as the seeds' own values differ by it already,
and takes the spread of few seeds as known. So the seeds' values are first drawn together by what happens within them,
until both levels together spread as the seeds do (Davison & Hinkley, Bootstrap Methods and their Application, 1997,
section 3.8), and deviations are scaled by :math:`t_{S-1} / z`, the quantiles of Student's law and of the normal one.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.intervals import ENDS, Estimate
from probes.analysis.theory.laws import NORMAL
from probes.analysis.theory.measurement import Measurement

__all__ = ["two_level"]

Side = Literal["low", "high"]
Draws = NDArray[np.float64]


def two_level(seeds: Sequence[Measurement], *, draws: int = 9999, seed: int = 0) -> Estimate:
    """Return the mean over seeds with its 95 % interval, of a two-level bootstrap; n is the number of seeds.

    Of one seed the spread between seeds is not zero but unknown: the interval is then that within the seed, and speaks
    of this seed alone. Where neither seeds nor what they measured differ, it is unknown, its ends NaN.

    Args:
        seeds: What each of them measured.
        draws: Number of resampled sets of seeds.
        seed: Seed of the resampling.

    Raises:
        ValueError: If there is no seed.

    Example:
        >>> found = [Measurement(Estimate(value, value - 0.1, value + 0.1, 5), "") for value in (0.4, 0.5, 0.6, 0.5)]
        >>> [round(end, 1) for end in two_level(found)]
        [0.5, 0.4, 0.6, 4]
    """
    if not seeds:
        raise ValueError("expected at least one seed, got none")
    if len(seeds) == 1:
        return seeds[0].estimate._replace(n=1)

    value = float(np.mean([one.estimate.value for one in seeds]))
    low, high = (_end(seeds, side, draws, seed) for side in ("low", "high"))
    if low == high:
        return Estimate(value, np.nan, np.nan, len(seeds))
    return Estimate(value, value + low, value + high, len(seeds))


def _end(seeds: Sequence[Measurement], side: Side, draws: int, seed: int) -> float:
    """Return how far from the mean one end of the interval lies."""
    generator, count = np.random.default_rng(seed), len(seeds)
    picked = generator.integers(count, size=(draws, count))
    within = np.empty((draws, count))
    for place, one in enumerate(seeds):
        chosen = picked == place
        within[chosen] = _within(one, side, int(chosen.sum()), generator)

    drawn = (_between(seeds, side)[picked] + within).mean(axis=1)
    quantile = float(np.quantile(drawn, ENDS[side == "high"]))
    return quantile * float(stats.t.ppf(ENDS[1], count - 1)) / NORMAL


def _between(seeds: Sequence[Measurement], side: Side) -> Draws:
    """Return the seeds' values less their mean, ``(seed,)``, less of them the more of it is explained within seeds."""
    values = np.array([one.estimate.value for one in seeds])
    variance = values.var(ddof=1)
    explained = np.mean([_error(one, side) ** 2 for one in seeds])
    share = max(0.0, 1 - explained / variance) if variance > 0 else 0.0

    scale = np.sqrt(share * len(seeds) / (len(seeds) - 1))
    return np.asarray(scale * (values - values.mean()))


def _within(one: Measurement, side: Side, count: int, generator: np.random.Generator) -> Draws:
    """Return so many deviations of what a seed measured, ``(draw,)``."""
    if not _resampled(one):
        return generator.standard_normal(count) * _error(one, side)
    values = np.asarray(one.values, dtype=float)
    means = values[generator.integers(values.size, size=(count, values.size))].mean(axis=1) - values.mean()

    return np.asarray(means * np.sqrt(values.size / (values.size - 1)))  # which makes it s / sqrt(n)


def _error(one: Measurement, side: Side) -> float:
    """Return the standard error within a seed; where nothing is known of it, 0: the spread between seeds has it."""
    if _resampled(one):
        return float(np.std(one.values, ddof=1) / np.sqrt(len(one.values)))
    found = one.estimate
    half = found.high - found.value if side == "high" else found.value - found.low

    return 0.0 if np.isnan(half) else half / NORMAL


def _resampled(one: Measurement) -> bool:
    return len(one.values) > 1 and float(np.ptp(one.values)) > 0
