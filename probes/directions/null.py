"""Random unit vectors in place of given ones: what a correlation is worth is seen beside one with no feature at all.

Axes: f = feature, d = dim.
"""

import torch

from probes.directions.generators import generator

__all__ = ["basis_of", "null_vectors", "random_features"]

_FEWEST = 8  # random features that still say where chance ends; fewer are not worth their being free of the given ones


def null_vectors(flat: torch.Tensor, *, seed: int) -> tuple[torch.Tensor, str]:
    """As many random unit vectors ``(feature, dim)``, and in words what they are orthogonal to.

    Orthogonal to each other and to the span of the given ones; where the dim has no room for that, to each other;
    where it has none for that either, drawn independently. Each is uniform among what fits.

    Args:
        flat: Vectors ``(feature, dim)``, float64, none of them zero.
        seed: Seed of the draw; the global random state is not touched.

    Example:
        >>> null_vectors(torch.eye(3, dtype=torch.float64)[:2], seed=0)[1]
        'each other'
    """
    count, dim = flat.shape
    draw = torch.randn(dim, count, generator=generator("null", seed), dtype=flat.dtype)
    if count > dim:
        return torch.nn.functional.normalize(draw, dim=0).T, _no_room(dim, count)

    span = basis_of(flat)
    apart = len(span) + count <= dim
    if apart:
        draw -= span.T @ (span @ draw)

    return _orthonormal(draw).T, "the directions and each other" if apart else "each other"


def random_features(flat: torch.Tensor, *, count: int, size: int, seed: int) -> tuple[torch.Tensor, str]:
    """Random features ``(random, component, dim)`` of orthonormal vectors, and in words what they are orthogonal to.

    Fewer than ``count``, but at least eight, where that leaves them orthogonal to the span of the given vectors, which
    may be any number; else orthogonal to each other, else drawn independently.

    Args:
        flat: Vectors ``(feature, dim)``, float64, none of them zero.
        count: How many features.
        size: How many vectors span one feature.
        seed: Seed of the draw; the global random state is not touched.

    Example:
        >>> features, orthogonal_to = random_features(torch.eye(40, dtype=torch.float64)[:3], count=32, size=2, seed=0)
        >>> features.shape, orthogonal_to
        (torch.Size([18, 2, 40]), 'the directions and each other')
    """
    dim = flat.shape[1]
    span = basis_of(flat)
    room = (dim - len(span)) // size
    apart = room >= min(count, _FEWEST)
    count = min(count, room) if apart else count
    draw = torch.randn(count, size, dim, generator=generator("null", seed), dtype=flat.dtype)
    if count * size > dim:
        within = _orthonormal(draw.mT).mT if size <= dim else torch.nn.functional.normalize(draw, dim=-1)
        return within, _no_room(dim, count * size)

    columns = draw.flatten(end_dim=1).T
    if apart:
        columns = columns - span.T @ (span @ columns)
    features = _orthonormal(columns).T.reshape(draw.shape)

    return features, "the directions and each other" if apart else "each other"


def basis_of(flat: torch.Tensor) -> torch.Tensor:
    """An orthonormal basis ``(basis, dim)`` of what the vectors span; the rounding of float32 ones spans nothing.

    Args:
        flat: Vectors ``(feature, dim)``, float64, none of them zero.

    Example:
        >>> basis_of(torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)).shape
        torch.Size([1, 3])
    """
    unit = flat / flat.norm(dim=1, keepdim=True)
    if len(unit) > unit.shape[1]:  # of a large vocabulary's vectors the decomposition itself would take a minute
        squares, basis = torch.linalg.eigh(unit.T @ unit)
        span: torch.Tensor = basis.T[squares > 1e-12 * squares[-1]]
    else:
        _, sizes, rows = torch.linalg.svd(unit, full_matrices=False)
        span = rows[sizes > 1e-6 * sizes[0]]
    return span


def _no_room(dim: int, count: int) -> str:
    return f"nothing: dim {dim} is too small for {count} directions"


def _orthonormal(columns: torch.Tensor) -> torch.Tensor:
    """A uniform orthonormal basis of what random columns ``(..., dim, column)`` span."""
    basis, triangle = torch.linalg.qr(columns)

    # The signs of the diagonal make the rotation uniform (F. Mezzadri 2007, https://arxiv.org/abs/math-ph/0609050).
    rotated: torch.Tensor = basis * triangle.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    return rotated
