"""Correlations of weights with directions: raw inner products, never normalised.

Axis letters: d = dim, f = feature (the directions' named axes joined, the last varying fastest). The axes before
d, such as (run, class, neuron), are kept as they come.
"""

import math
from collections.abc import Callable
from functools import partial

import torch

from probes.directions import Directions
from probes.errors import UsageError

__all__ = ["batched_inner_products", "batched_products_by_feature", "inner_products"]

_PRECISE = {torch.float32, torch.float64}


def inner_products(
    weight: torch.Tensor, directions: Directions, *, axes: int = 1, name: str = "weight"
) -> torch.Tensor:
    """The inner products of weights and directions, ``(*leading axes, *directions.names)``.

    Computed in float32, or in float64 for weights of float64, also under autocast. For identity directions the result
    may be a view of the weights.

    Args:
        weight: Weights; after the leading axes, such as ``(neuron,)`` or ``(run, class, neuron)``, come one or more
            axes that are flattened into ``dim``, as ``(channel, height, width)`` of a convolution.
        directions: Directions in the space of the flattened axes.
        axes: How many leading axes are kept.
        name: The parameter's name, for the error message.

    Raises:
        UsageError: the flattened axes do not have the directions' dim.

    Example:
        >>> directions = Directions(torch.eye(6).reshape(3, 2, 6))
        >>> inner_products(torch.ones(5, 3, 4, 6), directions, axes=3).shape
        torch.Size([5, 3, 4, 3, 2])
    """
    flat = weight.flatten(axes) if weight.ndim > axes + 1 else weight
    if flat.ndim <= axes or flat.shape[-1] != directions.dim:
        raise UsageError(_mismatch(name, tuple(weight.shape), axes, directions))

    flat = _precise(flat)
    products = flat if directions.is_identity else _product(flat, directions.columns(like=flat))
    return products.view(flat.shape[:-1] + directions.shape[:-1])


def batched_inner_products(weights: torch.Tensor, directions: Directions, *, out: torch.Tensor) -> Callable[[], object]:
    """A function that writes those of several weights, as they are at its call, to ``out``.

    Each weight by itself, not in one product of all: its rounding would depend on a weight's place among the others.

    Args:
        weights: Axes (batch, neuron, dim).
        directions: Directions of that dim.
        out: Room for the products, axes (batch, neuron, feature).

    Example:
        >>> products = torch.empty(16, 5, 4)
        >>> write = batched_inner_products(torch.ones(16, 5, 6), Directions(torch.eye(6)[:4]), out=products)
        >>> products = write()
        >>> products[0, 0]
        tensor([1., 1., 1., 1.])
    """
    columns = directions.columns(like=_precise(weights)).expand(weights.shape[0], -1, -1)
    if weights.dtype is out.dtype:  # as is usual; to make the products first and to copy them takes half as long again
        return partial(torch.bmm, weights, columns, out=out)
    return lambda: out.copy_(torch.bmm(_precise(weights), columns))


def batched_products_by_feature(
    weights: torch.Tensor, directions: Directions, *, out: torch.Tensor
) -> Callable[[], object]:
    """As `batched_inner_products`, with the units last: a reduction over them takes half the time.

    Args:
        weights: Axes (batch, neuron, dim).
        directions: Directions of that dim.
        out: Room for the products, axes (batch, feature, neuron).

    Example:
        >>> products = torch.empty(16, 4, 5)
        >>> write = batched_products_by_feature(torch.ones(16, 5, 6), Directions(torch.eye(6)[:4]), out=products)
        >>> products = write()
        >>> products[0, :, 0]
        tensor([1., 1., 1., 1.])
    """
    rows = directions.columns(like=_precise(weights)).T.expand(weights.shape[0], -1, -1)
    if weights.dtype is out.dtype:
        return partial(torch.bmm, rows, weights.mT, out=out)
    return lambda: torch.bmm(rows, _precise(weights).mT, out=out)


def _precise(weight: torch.Tensor) -> torch.Tensor:
    return weight if weight.dtype in _PRECISE else weight.float()


def _product(weight: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The einsum "...d,df->...f"; as a matrix product it takes a quarter of the time, which every step has to pay."""
    device = weight.device.type
    if torch.is_autocast_enabled(device):
        with torch.autocast(device, enabled=False):
            return weight @ columns
    return weight @ columns


def _mismatch(name: str, shape: tuple[int, ...], axes: int, directions: Directions) -> str:
    return (
        f"expected directions of dim {math.prod(shape[axes:])} for `{name}` of shape {shape}, whose axes after the "
        f"first {axes} are flattened, got dim {directions.dim} of {directions!r}; give directions in its input space, "
        f"or name the axes to keep with `Tap(directions, dims=(...))`"
    )
