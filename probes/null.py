"""Random unit vectors in place of given ones: what a correlation is worth is seen beside one with no feature at all.

Axes: f = feature, d = dim.
"""

import torch

from probes.chance import generator

__all__ = ["null_vectors"]


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
        return torch.nn.functional.normalize(draw, dim=0).T, f"nothing: dim {dim} is too small for {count} directions"

    _, sizes, span = torch.linalg.svd(flat / flat.norm(dim=1, keepdim=True), full_matrices=False)
    span = span[sizes > 1e-6 * sizes[0]]  # the rounding of float32 directions spans nothing
    apart = len(span) + count <= dim
    if apart:
        draw -= span.T @ (span @ draw)
    basis, triangle = torch.linalg.qr(draw)

    # The signs of the diagonal make the rotation uniform (F. Mezzadri 2007, https://arxiv.org/abs/math-ph/0609050).
    return (basis * triangle.diagonal().sign()).T, "the directions and each other" if apart else "each other"
