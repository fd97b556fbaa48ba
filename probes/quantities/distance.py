"""How far the weights have come: the distance of every neuron's weights from where they started."""

from collections.abc import Mapping

import torch

from probes.errors import UsageError
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State

__all__ = ["distance_from_start"]


def distance_from_start(
    name: str, *, start: torch.Tensor | None = None, dims: tuple[str, ...] = ("neuron",), dtype: str = "<f4"
) -> Quantity:
    r"""The quantity :math:`\|w_{i,r} - w_{i,r}^{(0)}\|_2` of one parameter, a series called ``<name>.distance``.

    Args:
        name: The parameter's name.
        start: Its value at step 0. Default: as it is when first measured, which checkpoints carry.
        dims: Names of the parameter's leading axes that are kept; the norm is over all further axes.
        dtype: How values are stored.

    Raises:
        UsageError: (when measured) the first look is not at step 0, and no start is given.

    Example:
        >>> moved = distance_from_start("weight")
        >>> moved(State(0, {"weight": torch.tensor([[1.0, 2.0]])}))
        tensor([0.])
        >>> moved(State(1, {"weight": torch.tensor([[4.0, 6.0]])}))
        tensor([5.])
    """
    measure = _Distance(name, start, len(dims))

    return Quantity(f"{name}.distance", dims, measure, dtype=dtype, quantity="distance")


class _Distance:
    """Remembers the start, as checkpoints carry it."""

    def __init__(self, name: str, start: torch.Tensor | None, axes: int) -> None:
        self._name, self._axes = name, axes
        self._start = None if start is None else start.detach().clone()

    def __call__(self, state: State) -> torch.Tensor:
        weight = state.parameters[self._name]
        if self._start is None:
            if state.step:
                raise UsageError(
                    f"expected to see `{self._name}` at step 0 first, got step {state.step}; give "
                    "`distance_from_start` its `start`, the value at step 0"
                )
            self._start = weight.clone()
        kind = torch.promote_types(weight.dtype, torch.float32)
        moved = weight.to(kind) - self._start.to(weight.device, kind)
        distance: torch.Tensor = torch.linalg.vector_norm(moved.reshape(*moved.shape[: self._axes], -1), dim=-1)
        return distance

    def state_dict(self) -> dict[str, torch.Tensor | None]:
        return {"start": self._start}

    def load_state_dict(self, state: Mapping[str, torch.Tensor | None]) -> None:
        self._start = state["start"]
