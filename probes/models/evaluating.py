"""A look at what a module computes that leaves the module, and all that is global, as it was."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from probes.models.modules import named_modules

__all__ = ["evaluating", "unwrapped"]

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_INSIDE = {"OptimizedModule": "_orig_mod", "DistributedDataParallel": "module", "DataParallel": "module"}
_CONTAINERS = (dict, OrderedDict, list, set)  # of which a module may have some of its own


@contextmanager
def evaluating(module: torch.nn.Module, *, hooks: bool = False) -> Iterator[None]:
    """Evaluation mode, no gradients and full precision; afterwards modules and random numbers are as before.

    Buffers, modes, and what a module has in attributes of its own are put back. Hooks that others than torch have
    registered are not called, as they may note what they see, unless ``hooks`` asks for it.

    Example:
        >>> layer = torch.nn.Dropout()
        >>> with evaluating(layer):
        ...     layer(torch.ones(3))
        tensor([1., 1., 1.])
        >>> layer.training
        True
    """
    modules = list({id(each): each for _, each in named_modules(module)}.values())
    tensors = [tensor for each in modules for tensor in (*each._parameters.values(), *each._buffers.values())]  # noqa: SLF001
    devices = {tensor.device for tensor in tensors if tensor is not None}
    drawing = sorted((device for device in devices if device.type == "cuda"), key=str)

    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=drawing))
        for kind in {"cpu", *(device.type for device in drawing)}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        if not hooks:
            stack.enter_context(_without_global_hooks())
        for each in modules:
            stack.callback(_restoring(each))
            each.training = False
            for name in _HOOKS:
                registered = getattr(each, name)
                setattr(each, name, registered.copy() if hooks else _of_torch(registered))
        yield


@contextmanager
def _without_global_hooks() -> Iterator[None]:
    """No hook that is registered for all modules is called."""
    tables = [getattr(torch_module, f"_global{name}") for name in _HOOKS]
    before = [dict(table) for table in tables]
    for table in tables:
        table.clear()
    try:
        yield
    finally:
        for table, hooks in zip(tables, before, strict=True):
            table.update(hooks)


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The model without what compiles it or trains it in parallel, whose own forward pass asks other processes.

    Example:
        >>> layer = torch.nn.Linear(1, 1)
        >>> unwrapped(torch.compile(layer, backend="eager")) is layer
        True
    """
    while (name := _INSIDE.get(type(model).__name__)) is not None and name in model._modules:  # noqa: SLF001
        model = model._modules[name]  # type: ignore[assignment] # noqa: SLF001
    return model


def _restoring(module: torch.nn.Module) -> Callable[[], None]:
    """A function that gives a module what it has now: attributes, what is in them, and the values of its buffers."""
    attributes = dict(vars(module))
    contents = {name: type(kept)(kept) for name, kept in attributes.items() if type(kept) in _CONTAINERS}
    buffers = [(buffer, buffer._version, buffer.clone()) for buffer in module._buffers.values() if buffer is not None]  # noqa: SLF001

    def restore() -> None:
        for name in vars(module).keys() - attributes.keys():
            del vars(module)[name]
        vars(module).update(attributes)
        for name, content in contents.items():
            _refill(attributes[name], content)
        for buffer, version, value in buffers:
            if buffer._version != version:  # noqa: SLF001 - else it would look changed to autograd
                buffer.copy_(value)

    return restore


def _refill(kept: Any, content: Any) -> None:
    if not _same(kept, content):
        kept.clear()
        (kept.extend if isinstance(kept, list) else kept.update)(content)


def _same(kept: Any, content: Any) -> bool:
    """Whether two containers hold the same objects in the same order; to compare these may be ambiguous."""
    objects = [each.items() if isinstance(each, dict) else enumerate(each) for each in (kept, content)]
    return len(kept) == len(content) and all(
        key == other and one is two for (key, one), (other, two) in zip(*objects, strict=True)
    )


def _of_torch(hooks: Any) -> Any:
    """Those that belong to torch, such as what computes a weight, in a dictionary of the same kind."""
    owners = {key: getattr(hook, "__module__", None) or type(hook).__module__ for key, hook in hooks.items()}
    return type(hooks)((key, hook) for key, hook in hooks.items() if owners[key].partition(".")[0] == "torch")
