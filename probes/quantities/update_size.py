"""How large updates are, and whether one goes on where the one before went."""

from collections.abc import Mapping

import torch

from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["update_size"]

_MEASURES = ("norm", "relative", "cosine")


def update_size(name: str, *, dims: tuple[str, ...] = (), schedule: Schedule | None = None) -> Quantity:
    r"""The norm of the last update :math:`\Delta_t = w_t - w_{t-1}`, and its cosine with the update before.

    A series called ``<name>.update_size``, axes ``(*dims, measure)``: ``norm``, :math:`\|\Delta_t\|_2`; ``relative``,
    :math:`\|\Delta_t\|_2 / \|w_{t-1}\|_2`, of weights that were zero 0; ``cosine``, :math:`\cos(\Delta_t,
    \Delta_{t-1})` in [-1, 1]. What no update led to is 0: all at the first look, the cosine at the second, and that of
    an update that changed nothing. Updates are told from one look to the next: at every tenth step, of ten together. A
    relative update of some 1e-3 is a rule of thumb: Karpathy, notes of CS231n, 2015,
    https://cs231n.github.io/neural-networks-3/#ratio

    For d weights some 10 d operations. Weights and last update are remembered and copied at each look, and checkpoints
    carry them.

    Args:
        name: The parameter's name.
        dims: Names of leading axes, such as ``neuron``, each of whose entries has its own update; default, the whole
            parameter's.
        schedule: At which steps; default, at those of the recorder.

    Example:
        >>> size = update_size("weight")
        >>> weights = [torch.tensor([3.0, 4.0]), torch.tensor([3.0, 5.0]), torch.tensor([4.0, 5.0])]
        >>> torch.stack([size(State(step, {"weight": weight})) for step, weight in enumerate(weights)])
        tensor([[0.0000, 0.0000, 0.0000],
                [1.0000, 0.2000, 0.0000],
                [1.0000, 0.1715, 0.0000]])
    """
    return Quantity(
        f"{name}.update_size",
        (*dims, "measure"),
        _UpdateSize(name, len(dims)),
        labels={"measure": _MEASURES},
        quantity="update_size",
        schedule=schedule,
    )


class _UpdateSize:
    """Remembers the weights of the last look and the update that led to them."""

    def __init__(self, name: str, axes: int) -> None:
        self._name, self._axes = name, axes
        self._weight: torch.Tensor | None = None
        self._update: torch.Tensor | None = None

    def __call__(self, state: State) -> torch.Tensor:
        weight = state.parameters[self._name]
        weight = weight.to(torch.promote_types(weight.dtype, torch.float32), copy=True)
        before = weight if self._weight is None else self._weight.to(weight)
        update = weight - before
        last = torch.zeros_like(update) if self._update is None else self._update.to(update)
        self._weight, self._update = weight, update

        norm, last_norm = self._norm(update), self._norm(last)
        along = (update * last).reshape(*norm.shape, -1).sum(-1)
        cosine = _quotient(along, norm * last_norm).clamp(-1, 1)
        return torch.stack([norm, _quotient(norm, self._norm(before)), cosine], dim=-1)

    def _norm(self, values: torch.Tensor) -> torch.Tensor:
        norm: torch.Tensor = values.reshape(*values.shape[: self._axes], -1).norm(dim=-1)
        return norm

    def state_dict(self) -> dict[str, torch.Tensor | None]:
        return {"weight": self._weight, "update": self._update}

    def load_state_dict(self, state: Mapping[str, torch.Tensor | None]) -> None:
        self._weight, self._update = state["weight"], state["update"]


def _quotient(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """The quotient; 0 where there is nothing below."""
    return torch.where(below > 0, above / below, 0)
