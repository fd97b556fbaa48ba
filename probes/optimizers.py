"""The optimizer that makes the updates, inside of what frameworks wrap around it."""

from collections.abc import Sequence

from torch.optim import Optimizer

__all__ = ["Optimizers", "several", "unwrapped"]

Optimizers = Optimizer | Sequence[Optimizer] | None

# Of Accelerate, Lightning and Lightning Fabric: each holds the real one as `optimizer` and calls its `step`.
_WRAPPERS = frozenset({"AcceleratedOptimizer", "LightningOptimizer", "_FabricOptimizer"})


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
        >>> import torch
        >>> optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1)
        >>> unwrapped(optimizer) is optimizer
        True
    """
    while not _WRAPPERS.isdisjoint(kind.__name__ for kind in type(optimizer).__mro__):
        optimizer = optimizer.optimizer  # type: ignore[attr-defined]
    return optimizer
