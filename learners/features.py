"""Feature vectors: one unit vector for every (class, view), all orthogonal.

Axes: j = feature_class, v = view, d = dim.
"""

import torch
from torch import Tensor

from probes.learners.streams import stream

__all__ = ["VIEWS", "orthonormal_features", "standard_features"]

VIEWS = 2


def standard_features(classes: int, *, views: int = VIEWS, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""Return the standard basis as feature vectors, ``(feature_class, view, dim)`` with dim = classes * views.

    In the private-noise form every statement of the theory is invariant under rotation, so weights are kept in
    feature coordinates and :math:`v_{j,\ell} = e_{2j+\ell}` loses nothing.

    Args:
        classes: Number of classes k.
        views: Views per class.
        dtype: Floating dtype of the vectors.

    Example:
        >>> standard_features(2).shape
        torch.Size([2, 2, 4])
    """
    return torch.eye(classes * views, dtype=dtype).view(classes, views, classes * views)


def orthonormal_features(classes: int, dim: int, *, seed: int, views: int = VIEWS) -> Tensor:
    r"""Return random orthonormal feature vectors, ``(feature_class, view, dim)``, float32.

    :math:`\|v_{j,\ell}\| = 1` and :math:`v_{j,\ell} \perp v_{j',\ell'}` (Section 3.1 of `Allen-Zhu & Li, 2023
    <https://arxiv.org/abs/2012.09816>`_). Drawn uniformly: the Q factor of a Gaussian matrix, computed in float64.

    Args:
        classes: Number of classes k.
        dim: Patch dimension d, at least ``classes * views``.
        seed: Seed of the draw.
        views: Views per class.

    Raises:
        ValueError: If ``dim`` is smaller than the number of features.

    Example:
        >>> vectors = orthonormal_features(3, 16, seed=0).flatten(0, 1)
        >>> torch.allclose(vectors @ vectors.T, torch.eye(6), atol=1e-6)
        True
    """
    count = classes * views
    if dim < count:
        raise ValueError(f"expected `dim` >= {count} (classes x views orthogonal features), got {dim}: raise noise.dim")

    gaussian = torch.randn(dim, count, generator=stream("features", seed), dtype=torch.float64)
    basis, triangle = torch.linalg.qr(gaussian)

    unique: Tensor = basis * triangle.diagonal().sign()

    return unique.T.reshape(classes, views, dim).float()
