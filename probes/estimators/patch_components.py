r"""Directions from principal components: those along which patches, or any vectors, vary most.

Source: K. Pearson, "On lines and planes of closest fit to systems of points in space", 1901,
https://doi.org/10.1080/14786440109462720. Axes: f = feature, d = dim.
"""

import torch
from torch import Tensor

from probes.directions import Directions
from probes.estimators.moments import Moments, moments_of_halves
from probes.estimators.reading import Data, Layout, Reading, settings
from probes.estimators.stability import BEST_MATCH, determined, subspace, unit

__all__ = ["patch_components"]

_ROUNDING = 1e-12
_CLEAR = 3  # standard errors


def patch_components(
    inputs: Data, *, components: int, layout: Layout | None = None, centre: bool = True, seed: int = 0
) -> Directions:
    r"""The principal components of patches, largest variance first; read in one pass.

    .. math::
        C u_f = \lambda_f u_f, \quad \lambda_1 \ge \lambda_2 \ge \dots, \qquad
        C = \frac1N \sum_n (x_n - \mu)(x_n - \mu)^\top

    Without centring :math:`\mu = 0`, which gives the right singular vectors of the data. A component points to where
    the mean of the data is; where that is no clear side, its largest entry is positive. Components of equal variance
    are any basis of their span: then the stability is low, while ``subspace_stability``, the mean squared cosine of the
    principal angles of the halves' spans, is high.

    Args:
        inputs: ``(sample, dim)`` or ``(sample, patch, dim)``, or batches of these; images with a ``layout``.
        components: How many.
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``: ``Patches(3)``, ``Patches.of(conv)``.
        centre: Whether the mean is taken off.
        seed: Of the halves whose agreement is the stability; the patches of a sample are in one half.

    Raises:
        TypeError: batches are of another kind.
        ValueError: data and options do not fit, or the data vary along fewer directions.

    Example:
        >>> from probes.estimators.patches import Patches
        >>> images = torch.randn(50, 3, 6, 6, generator=torch.Generator().manual_seed(0))
        >>> directions = patch_components(images, components=4, layout=Patches(3))
        >>> directions, directions.facts["samples"]
        (Directions(feature=4, dim=27), 50)
    """
    reading = Reading(inputs, layout=layout, seed=seed)
    halves = moments_of_halves(reading, scatter=True)
    whole = halves[0] + halves[1]
    dim = whole.mean.shape[1]
    if not 1 <= components <= dim:
        raise ValueError(f"expected `components` from 1 to {dim}, the dim of the data, got {components}")

    vectors, first, second = (_components(each.padded(1), components, centre=centre) for each in (whole, *halves))
    found = determined(vectors, "take fewer components, or more data")

    options = f"components={components}, centre={centre}, layout={settings(layout)}, seed={seed}"
    return Directions(
        found,
        ("feature",),
        facts={
            "estimator": f"patch_components({options})",
            **reading.facts,
            "rows": whole.rows,
            "explained": _explained(whole, vectors, centre=centre),
            **BEST_MATCH(first, second, seed=seed),
            "subspace_stability": subspace(first, second),
            "subspace_null": components / dim,
        },
    )


def _components(moments: Moments, components: int, *, centre: bool) -> Tensor:
    """Unit components ``(feature, dim)``; zeros where the data do not vary any more."""
    values, vectors = torch.linalg.eigh(_spread(moments, centre=centre))
    values, vectors = values.flip(0)[:components], vectors.T.flip(0)[:components]
    varying = values > max(_ROUNDING * float(values[0]), torch.finfo(values.dtype).tiny)
    return unit(vectors * (_sides(moments, vectors) * varying).unsqueeze(1))


def _spread(moments: Moments, *, centre: bool) -> Tensor:
    mean = moments.grand_mean
    return moments.covariance if centre else moments.covariance + torch.outer(mean, mean)


def _sides(moments: Moments, vectors: Tensor) -> Tensor:
    """1 or -1 for each component: the side on which the data lie, else that of its largest entry."""
    along = vectors @ moments.grand_mean
    variance = ((vectors @ moments.covariance) * vectors).sum(1).clamp(min=0)
    clear = along.abs() > _CLEAR * (variance / max(1, moments.rows)).sqrt()
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).squeeze(1)
    return torch.where(torch.where(clear, along, largest) < 0, -1.0, 1.0).to(vectors)


def _explained(moments: Moments, vectors: Tensor, *, centre: bool) -> float:
    spread = _spread(moments, centre=centre)
    return float(((vectors @ spread) * vectors).sum() / spread.trace())
