"""Training in several processes: which of them writes, and parameters of which each process holds a part."""

import torch
from torch import distributed

from probes.errors import UsageError
from probes.models.modules import named_modules, parameters

__all__ = ["check_gatherable", "check_same", "is_sharded", "is_writer", "whole"]

_REASONS = {
    "FullyShardedDataParallel": "flattens parameters; shard it with `torch.distributed.fsdp.fully_shard`",
    "DeepSpeedEngine": "keeps the weights that are updated to itself; train with DDP or `fully_shard`",
}


def is_writer() -> bool:
    """Whether this process writes logs: the first of its process group does, and one that trains alone.

    Example:
        >>> is_writer()
        True
    """
    return not _in_group() or distributed.get_rank() == 0


def is_sharded(model: torch.nn.Module) -> bool:
    """Whether each process may hold a part of some parameter, so that to read it all of them have to ask at once.

    Such a parameter is a ``DTensor``; but one of ``fully_shard`` is whole, and no ``DTensor``, between a forward pass
    and the backward pass that follows.

    Example:
        >>> is_sharded(torch.nn.Linear(2, 2))
        False
    """
    return any(hasattr(parameter, "full_tensor") for parameter in parameters(model)) or any(
        "FSDPModule" in _class_names(module) for _, module in named_modules(model)
    )


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as it is, or the parts of it that the processes hold put together.

    Example:
        >>> whole(torch.ones(2))
        tensor([1., 1.])
    """
    gather = getattr(tensor, "full_tensor", None)
    gathered: torch.Tensor = tensor if gather is None else gather()
    return gathered


def check_gatherable(model: torch.nn.Module) -> None:
    """Refuse a model that is taken apart such that its parameters cannot be read.

    Raises:
        UsageError: it is one of FSDP's first version, or of DeepSpeed.

    Example:
        >>> check_gatherable(torch.nn.Linear(2, 2))
    """
    flattened = any(getattr(parameter, "_fsdp_flattened", False) for parameter in parameters(model))
    kinds = {name for _, module in named_modules(model) for name in _class_names(module)}
    if flattened:
        kinds.add("FullyShardedDataParallel")
    for kind, reason in _REASONS.items():
        if kind in kinds:
            raise UsageError(f"expected a model whose parameters can be read, got one of {kind}, which {reason}")


def check_same(what: str, value: object) -> None:
    """Refuse to go on where processes differ in what has to be the same, or some would wait for others for ever.

    Raises:
        UsageError: they differ.

    Example:
        >>> check_same("schedule", "every(1)")
    """
    if not _in_group():
        return
    values: list[object] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    if different := [rank for rank, other in enumerate(values) if other != values[0]]:
        raise UsageError(
            f"expected the same {what} in every process, as all take part in reading sharded parameters, got "
            f"{values[0]} at rank 0 and {values[different[0]]} at rank {different[0]}"
        )


def _in_group() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _class_names(module: torch.nn.Module) -> list[str]:
    return [kind.__name__ for kind in type(module).__mro__]
