"""What the runs that learned a feature say of another run: each feature's own chance, and the coverage that follows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from probes.analysis.intervals import ENDS

__all__ = ["WinShares"]

_DRAWS = 2000
_SPREADS = np.geomspace(0.5, 1000, 60)
_MEANS = 33


@dataclass(frozen=True)
class WinShares:
    """How many of some runs learned each feature, and what that says of another run.

    The chances of all features lie around a mean, and how closely is not known: a beta prior around that mean, with
    every weight from half a run to 1,000 runs as likely before as another on a logarithmic scale. The mean is that of
    the counts, as where each run wins a fixed number of features; or, if it is free, any as likely before as another.

    Attributes:
        counts: Runs that learned each feature, any shape.
        runs: Number of runs.
        free: Whether the mean is uncertain, too.

    Example:
        >>> shares = WinShares(np.array([0, 10]), 10)
        >>> shares.mean.round(2).tolist(), round(shares.coverage(3), 1)
        ([0.04, 0.96], 0.6)
    """

    counts: NDArray[np.integer]
    runs: int
    free: bool = False

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean chance of each feature."""
        won, lost = self._posteriors

        return np.asarray(((won / (won + lost)) @ self._weights)[self._level])

    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both ends of each chance's 95 % credible interval."""
        low, high = np.quantile(self._chances, ENDS, axis=0)

        return low, high

    def coverage(self, size: int) -> float:
        """Return the share of features that the union of so many further runs is expected to cover."""
        won, lost = self._posteriors
        missed = np.exp(special.betaln(won, lost + size) - special.betaln(won, lost)) @ self._weights

        return float(1 - missed[self._level].mean())

    def coverage_interval(self, size: int) -> tuple[float, float]:
        """Return the 95 % credible interval of `coverage`, of features as if they were independent."""
        covered = (1 - (1 - self._chances) ** size).reshape(_DRAWS, -1).mean(axis=1)
        low, high = np.quantile(covered, ENDS)

        return float(low), float(high)

    @cached_property
    def _levels(self) -> NDArray[np.integer]:
        """The different counts, rising: features of one count share their distribution."""
        return np.unique(self.counts)

    @cached_property
    def _level(self) -> NDArray[np.integer]:
        """The place of each feature's count among the levels."""
        return np.searchsorted(self._levels, self.counts)

    @cached_property
    def _centres(self) -> NDArray[np.float64]:
        """Means of the prior: that of the counts alone, or those within four standard errors of it in log odds."""
        number = self.counts.size * self.runs
        mean = (self.counts.sum() + 0.5) / (number + 1)
        if not self.free:
            return np.array([mean])
        spread = max((self.counts / self.runs).var() / self.counts.size, mean * (1 - mean) / number)
        reach = np.linspace(-4, 4, _MEANS) * np.sqrt(spread) / (mean * (1 - mean))

        return np.asarray(special.expit(special.logit(mean) + reach))

    @cached_property
    def _priors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both parameters of each prior, ``(prior,)``: every weight around every mean."""
        return np.outer(self._centres, _SPREADS).ravel(), np.outer(1 - self._centres, _SPREADS).ravel()

    @cached_property
    def _posteriors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both parameters of each count's beta distribution, ``(level, prior)``."""
        won, lost = self._priors

        return won + self._levels[:, None], lost + (self.runs - self._levels)[:, None]

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How likely each prior is, given the counts; means lie evenly in log odds, and each counts by its width."""
        fit = special.betaln(*self._posteriors) - special.betaln(*self._priors)
        width = np.repeat(np.log(self._centres * (1 - self._centres)), len(_SPREADS))

        return np.asarray(special.softmax(np.bincount(self._level.ravel()) @ fit + width))

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """Draws of all chances, ``(draw, *feature)``."""
        draw = np.random.default_rng(0)
        chosen = draw.choice(len(self._weights), _DRAWS, p=self._weights)
        won, lost = (np.moveaxis(part[:, chosen][self._level], -1, 0) for part in self._posteriors)

        return np.asarray(draw.beta(won, lost))
