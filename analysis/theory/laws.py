"""How an interval narrows with n: the interval that the same value would have, had it been measured on more things.

Each law takes an `Estimate` and another n. A measurement states the law of its own interval; one whose interval does
not narrow with n, as the predictive one of a largest value, has none.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from probes.analysis.intervals import ENDS, Estimate

__all__ = ["NORMAL", "Law", "root", "samples", "seeds", "student", "wilson"]

Law = Callable[[Estimate, int], Estimate]

NORMAL = float(stats.norm.ppf(ENDS[1]))  # half-width of a 95 % interval in standard errors


def wilson(found: Estimate, n: int) -> Estimate:
    """Return Wilson's interval of the same share of n things, by its closed form, which takes broken numbers of hits.

    Example:
        >>> [round(end, 3) for end in wilson(Estimate(0.8, 0.49, 0.943, 10), 100)]
        [0.8, 0.711, 0.867, 100]
    """
    share, square = found.value, NORMAL**2 / n
    centre = (share + square / 2) / (1 + square)
    half = float(np.sqrt(square * share * (1 - share) + square**2 / 4)) / (1 + square)

    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def root(found: Estimate, n: int) -> Estimate:
    r"""Return the interval with ends :math:`\sqrt{n_0/n}` times as far away: that of bootstrapped means, and of sums.

    Example:
        >>> root(Estimate(0.5, 0.25, 0.625, 4), 16)
        Estimate(value=0.5, low=0.375, high=0.5625, n=16)
    """
    return _nearer(found, n, np.sqrt(found.n / n), np.sqrt(found.n / n))


def samples(found: Estimate, n: int) -> Estimate:
    """Return the interval of an error over n samples, put together from Wilson's of its parts.

    Its ends come nearer as in `root`; of an error that nobody made the upper one as 1/n, which is Wilson's at 0 hits.
    Where one part alone is without errors, that of `root` is too far: what it says of n is then an upper bound.

    Example:
        >>> [round(end, 4) for end in samples(Estimate(0.0, 0.0, 0.02, 1000), 4000)]
        [0.0, 0.0, 0.005, 4000]
    """
    share = found.n / n

    return _nearer(found, n, np.sqrt(share), share if found.value == found.low else np.sqrt(share))


def student(found: Estimate, n: int, *, lost: int = 1) -> Estimate:
    """Return Student's t interval of n runs that spread as much: its quantile falls with n, too.

    Args:
        found: Its upper end states the spread; the lower one may have been cut off at 0.
        n: Number of runs.
        lost: Degrees of freedom that the means took: 1 of one sample, 2 of the difference of two.

    Example:
        >>> [round(end, 3) for end in student(Estimate(0.5, 0.252, 0.748, 3), 12)]
        [0.5, 0.437, 0.563, 12]
    """
    half = (found.high - found.value) * _narrower(found.n, n, lost)

    return Estimate(found.value, found.value - half, found.value + half, n)


def seeds(found: Estimate, n: int) -> Estimate:
    """Return the two-level bootstrap's interval of n seeds that spread as much: as `student`, each end by itself.

    Example:
        >>> [round(end, 3) for end in seeds(Estimate(0.0, -0.1, 0.4, 3), 12)]
        [0.0, -0.026, 0.102, 12]
    """
    return _nearer(found, n, _narrower(found.n, n), _narrower(found.n, n))


def _narrower(before: int, n: int, lost: int = 1) -> float:
    """Return by which factor a t interval of n runs is narrower than one of fewer."""
    quantiles = stats.t.ppf(ENDS[1], n - lost) / stats.t.ppf(ENDS[1], before - lost)

    return float(quantiles * np.sqrt(before / n))


def _nearer(found: Estimate, n: int, below: float, above: float) -> Estimate:
    value = found.value

    return Estimate(value, float(value - below * (value - found.low)), float(value + above * (found.high - value)), n)
