"""A parameter as a matrix, one row for each neuron, and products of such matrices in full precision."""

import math

import torch

from probes.errors import UsageError
from probes.quantities.contract.state import State

__all__ = ["product", "rows"]


def rows(state: State, name: str, dims: tuple[str, ...], *, transposed: bool = False) -> torch.Tensor:
    """The parameter with its leading axes ``dims`` and all further ones flattened, ``(*dims, dim)``, float32 at least.

    Args:
        state: What is looked at.
        name: The parameter's name.
        dims: Names of the leading axes that are kept.
        transposed: Whether the parameter's first two axes are swapped before.

    Raises:
        UsageError: the parameter has no further axes.

    Example:
        >>> rows(State(0, {"conv.weight": torch.ones(8, 3, 5, 5)}), "conv.weight", ("neuron",)).shape
        torch.Size([8, 75])
    """
    weight = state.parameters[name]
    if weight.ndim <= len(dims):
        raise UsageError(
            f"expected `{name}` of {len(dims) + 1} axes or more, got shape {tuple(weight.shape)}; choose a weight, or "
            "name fewer of its leading axes"
        )
    weight = (weight.transpose(0, 1) if transposed else weight).to(torch.promote_types(weight.dtype, torch.float32))
    kept = weight.shape[: len(dims)]
    return weight.reshape(*kept, math.prod(weight.shape[len(dims) :]))


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The matrix product, also under autocast in the precision of the factors.

    Example:
        >>> product(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
        tensor([[11.]])
    """
    with torch.autocast(left.device.type, enabled=False):
        return left @ right
