"""The optimizer that makes the updates, inside of what frameworks wrap around it."""

from collections.abc import Sequence

import torch
from torch.optim import Optimizer

from probes.errors import UsageError
from probes.models.modules import parameters
from probes.recording.wrappers import TRANSPARENT

__all__ = ["Optimizers", "check_trains", "identities", "several", "unwrapped"]

Optimizers = Optimizer | Sequence[Optimizer] | None


def several(optimizers: Optimizers) -> tuple[Optimizer, ...]:
    """The optimizers that make the updates, whether none, one or several are given.

    Example:
        >>> several(None)
        ()
    """
    given = optimizers if isinstance(optimizers, Sequence) else () if optimizers is None else (optimizers,)
    return tuple(map(unwrapped, given))


def unwrapped(optimizer: Optimizer) -> Optimizer:
    """The optimizer whose `step` hooks see every update: the one given, or the one inside of a framework's wrapper.

    Example:
        >>> optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1)
        >>> unwrapped(optimizer) is optimizer
        True
    """
    while (inside := _inside(optimizer)) is not None:
        optimizer = inside
    return optimizer


def identities(optimizer: Optimizer) -> set[int]:
    """The identities of an optimizer's parameters, which compare by value.

    Example:
        >>> model = torch.nn.Linear(2, 2)
        >>> identities(torch.optim.SGD(model.parameters(), lr=0.1)) == {id(model.weight), id(model.bias)}
        True
    """
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}


def check_trains(optimizers: Sequence[Optimizer], model: torch.nn.Module) -> None:
    """Refuse optimizers none of which trains a parameter of the model.

    Raises:
        UsageError: none does, as where the model was made anew after its optimizer.

    Example:
        >>> model = torch.nn.Linear(2, 2)
        >>> check_trains([torch.optim.SGD(model.parameters(), lr=0.1)], model)
    """
    own = {id(parameter) for parameter in parameters(model)}
    if optimizers and not any(own & identities(each) for each in optimizers if hasattr(each, "param_groups")):
        raise UsageError(
            "expected an optimizer that trains parameters of the model, got one of others; make it of this model's, or "
            "give none and call `step` after every update"
        )


def _inside(optimizer: Optimizer) -> Optimizer | None:
    """What a wrapper holds: the one that frameworks call `optimizer`, or, where it never became one, what it is of."""
    if not TRANSPARENT.isdisjoint(kind.__name__ for kind in type(optimizer).__mro__):
        inside: Optimizer = optimizer.optimizer  # type: ignore[attr-defined]
        return inside
    return None
