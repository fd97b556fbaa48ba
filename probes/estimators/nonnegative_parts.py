r"""Directions from non-negative matrix factorisation: parts that only add up, for data that are never negative.

Source: D. D. Lee and H. S. Seung, "Learning the parts of objects by non-negative matrix factorization", Nature 1999,
https://doi.org/10.1038/44565, as scikit-learn has it. Axes: n = row, f = feature, d = dim.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.directions import Directions
from probes.errors import UsageError
from probes.estimators.parts import directions_of_parts
from probes.estimators.reading import Data, Layout, Reading, settings

__all__ = ["nonnegative_parts"]

_MOST_PASSES = 1000


def nonnegative_parts(
    inputs: Data, *, features: int, layout: Layout | None = None, most: int = 20_000, seed: int = 0
) -> Directions:
    r"""The parts of a non-negative factorisation, the one that most of the data lie along first. Needs scikit-learn.

    .. math::
        \min_{a \ge 0,\, u \ge 0} \sum_n \Big\| x_n - \sum_f a_{n,f} u_f \Big\|^2

    Made for pixels and for activations after a ReLU.

    Args:
        inputs: ``(sample, dim)`` or ``(sample, patch, dim)``, all >= 0, or batches of these; images with a ``layout``.
        features: How many parts.
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``: ``Patches(3)``, ``Patches.of(conv)``.
        most: How many rows (patches) are kept in memory, drawn at random.
        seed: Of the fit, of the rows that are kept, and of the halves whose agreement is the stability.

    Raises:
        UsageError: scikit-learn is not installed.
        TypeError: batches are of another kind.
        ValueError: a value is negative, or data and options do not fit.

    Example:
        >>> import torch
        >>> strengths = torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
        >>> parts = nonnegative_parts(strengths @ torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 2]]), features=2)
        >>> parts.vectors.round(decimals=1)
        tensor([[0.0000, 0.0000, 0.0000, 1.0000],
                [0.7000, 0.7000, 0.0000, 0.0000]])
    """
    options = f"features={features}, layout={settings(layout)}, seed={seed}, most={most}"

    def fit(rows: NDArray[np.float64]) -> NDArray[Any]:
        return _parts(rows, features, seed=seed)

    return directions_of_parts(
        fit,
        Reading(inputs, layout=layout, seed=seed),
        estimator=f"nonnegative_parts({options})",
        features=features,
        most=most,
        seed=seed,
        nonnegative=True,
    )


def _parts(rows: NDArray[np.float64], features: int, *, seed: int) -> NDArray[Any]:
    if rows.min() < 0:
        raise ValueError("expected data >= 0 for a non-negative factorisation, got negative values; see `dictionary`")
    try:
        from sklearn.decomposition import NMF
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise UsageError(
            f"expected scikit-learn for `nonnegative_parts`, got none ({error}): pip install 'feature-probes[real]'"
        ) from error

    # The start from singular vectors is the better one, and there are only so many of them.
    start = "nndsvda" if features <= min(rows.shape) else "random"
    model = NMF(features, init=start, max_iter=_MOST_PASSES, random_state=seed)
    with warnings.catch_warnings():
        # Whether the parts are worth anything is what the stability says.
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts: NDArray[Any] = model.fit(rows).components_
    return parts
