r"""What directions without meaning get: the null of random directions that was recorded with the same run.

Axes: t = step, i = class, r = neuron, l = view, u = random direction.

Where all weights lie in the span of the features, as with private noise, a random direction is a mixture of features: a
class that learned one of them with strength A shows about A :math:`|\langle u, v \rangle|` along it, up to half of A
at twelve classes. That much is no chance, so what a class's own features alone would give along u is taken off first:

.. math::
    \Big[\Phi_{i,u} - \sum_r \big[ \sum_\ell \langle w_{i,r}, v_{i,\ell} \rangle \langle v_{i,\ell}, u \rangle \big]^+
    \Big]^+, \quad \Phi_{i,u} = \sum_r [\langle w_{i,r}, u \rangle]^+
"""

import numpy as np
from numpy.typing import NDArray

from probes.analysis.columns import LAYOUT
from probes.errors import LogError
from probes.logs.layout import Series
from probes.logs.protocol import LogLike

__all__ = ["PERCENTILE", "Chance"]

PERCENTILE = 99.0

# As many random directions as a percentile over classes needs; more only take time.
_MOST = 32
_DIMS = tuple(name for name in LAYOUT if name != "neuron")


class Chance:
    """The null of one run: the 99th percentile, over classes and random directions, of the strength left to chance.

    Args:
        log: The run.
        series: Its series of feature correlations; the null is the one called ``<its name>.null``.

    Attributes:
        known: Whether the run has recorded strengths along random directions.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.facts import correlation_series
        >>> log = example_study()[0]
        >>> Chance(log, correlation_series(log)).threshold(np.arange(2), np.zeros((2, 6, 6, 6, 2))).shape
        (2,)
    """

    def __init__(self, log: LogLike, series: Series) -> None:
        name = f"{series.name}.null"
        recorded = log.series.get(name)
        self.known = recorded is not None and recorded.dims == _DIMS and recorded.shape[0] == series.shape[0]
        self._values = log[name] if self.known else None
        self._overlap = _overlap(log, series.name, name) if self.known else None

    def threshold(self, rows: NDArray[np.integer], correlations: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the threshold at each of these rows, ``(step,)``; NaN where no null was recorded.

        Args:
            rows: Recorded rows, rising.
            correlations: Those of the same rows, ``(step, class, neuron, feature_class, view)``.
        """
        if self._values is None or not len(rows):
            return np.full(len(rows), np.nan)
        strength = self._values[int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]]
        strength = strength.reshape(*strength.shape[:2], -1)[:, :, :_MOST]

        rest = strength if self._overlap is None else np.maximum(strength - _mixed(correlations, self._overlap), 0)
        return np.asarray(np.percentile(rest.reshape(len(rest), -1), PERCENTILE, axis=1), dtype=float)


def _overlap(log: LogLike, features: str, null: str) -> NDArray[np.floating] | None:
    """Return <v, u> of each class's own features, ``(class, view, direction)``; None where none are stored."""
    try:
        own, random = log.directions(features).vectors, log.directions(null).vectors
    except LogError:
        return None
    overlap = own @ random.reshape(-1, random.shape[-1])[:_MOST].T

    return np.asarray(overlap, dtype=np.float32) if np.any(np.abs(overlap) > 0) else None


def _mixed(correlations: NDArray[np.floating], overlap: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the strength along each direction that a class's own features explain, ``(step, class, direction)``."""
    classes = np.arange(len(overlap))
    own = correlations[:, classes, :, classes]  # (class, step, neuron, view)
    along = np.matmul(own, overlap[:, None])

    return np.asarray(np.maximum(along, 0, out=along).sum(axis=2).swapaxes(0, 1))
