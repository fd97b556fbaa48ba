"""What the runs that learned a feature say of another run: each feature's own chance, and the coverage that follows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from probes.analysis.intervals import CONFIDENCE

__all__ = ["WinShares"]

_DRAWS = 2000
_SPREADS = np.geomspace(0.5, 1000, 60)


@dataclass(frozen=True)
class WinShares:
    """How many of some runs learned each feature, and what that says of another run.

    The chances of all features lie around their mean, and how closely is not known: a beta prior around that mean,
    with every weight from half a run to 1,000 runs as likely before as another on a logarithmic scale.

    Attributes:
        counts: Runs that learned each feature, any shape.
        runs: Number of runs.

    Example:
        >>> shares = WinShares(np.array([0, 10]), 10)
        >>> shares.mean.round(2).tolist(), round(shares.coverage(3), 1)
        ([0.04, 0.96], 0.6)
    """

    counts: NDArray[np.integer]
    runs: int

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean chance of each feature."""
        won, lost = self._posteriors

        return (won / (won + lost)) @ self._weights

    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both ends of each chance's 95 % credible interval."""
        low, high = np.quantile(self._chances, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)

        return low, high

    def coverage(self, size: int) -> float:
        """Return the share of features that the union of so many further runs is expected to cover."""
        won, lost = self._posteriors
        missed = np.exp(special.betaln(won, lost + size) - special.betaln(won, lost))

        return float(1 - (missed @ self._weights).mean())

    def coverage_interval(self, size: int) -> tuple[float, float]:
        """Return the 95 % credible interval of `coverage`, of features as if they were independent."""
        covered = (1 - (1 - self._chances) ** size).reshape(_DRAWS, -1).mean(axis=1)
        low, high = np.quantile(covered, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])

        return float(low), float(high)

    @cached_property
    def _priors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        centre = (self.counts.sum() + 0.5) / (self.counts.size * self.runs + 1)

        return _SPREADS * centre, _SPREADS * (1 - centre)

    @cached_property
    def _posteriors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both parameters of each feature's beta distribution, ``(*feature, weight of the prior)``."""
        won, lost = self._priors

        return won + self.counts[..., None], lost + (self.runs - self.counts)[..., None]

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How likely each weight of the prior is, given the counts."""
        fit = special.betaln(*self._posteriors) - special.betaln(*self._priors)

        return np.asarray(special.softmax(fit.reshape(-1, len(_SPREADS)).sum(axis=0)))

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """Draws of all chances, ``(draw, *feature)``."""
        draw = np.random.default_rng(0)
        chosen = draw.choice(len(_SPREADS), _DRAWS, p=self._weights)
        won, lost = (np.moveaxis(part[..., chosen], -1, 0) for part in self._posteriors)

        return draw.beta(won, lost)
