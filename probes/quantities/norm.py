"""How long the weights are: the Euclidean norm of every neuron's weights."""

import torch

from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State

__all__ = ["weight_norm"]


def weight_norm(name: str, *, dims: tuple[str, ...] = ("neuron",), dtype: str = "<f4") -> Quantity:
    r"""The quantity :math:`\|w_{i,r}\|_2` of one parameter, a series called ``<name>.norm``.

    Args:
        name: The parameter's name.
        dims: Names of the parameter's leading axes that are kept; the norm is over all further axes.
        dtype: How values are stored.

    Example:
        >>> weight_norm("weight")(State(step=0, parameters={"weight": torch.tensor([[3.0, 4.0], [0.0, 1.0]])}))
        tensor([5., 1.])
    """

    def measure(state: State) -> torch.Tensor:
        weight = state.parameters[name]
        full = weight.to(torch.promote_types(weight.dtype, torch.float32))
        norm: torch.Tensor = torch.linalg.vector_norm(full.reshape(*full.shape[: len(dims)], -1), dim=-1)
        return norm

    return Quantity(f"{name}.norm", dims, measure, dtype=dtype, reads=(name,), quantity="norm")
