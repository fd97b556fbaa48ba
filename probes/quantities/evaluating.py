"""A look at what a module computes that leaves the module, and all that is global, as it was."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import torch

__all__ = ["evaluating"]


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients and full precision; afterwards modes and random numbers are as before.

    Example:
        >>> layer = torch.nn.Dropout()
        >>> with evaluating(layer):
        ...     layer(torch.ones(3))
        tensor([1., 1., 1.])
        >>> layer.training
        True
    """
    modes = {each: each.training for each in module.modules()}
    devices = {tensor.device for tensor in chain(module.parameters(), module.buffers())}
    drawing = sorted((device for device in devices if device.type == "cuda"), key=str)

    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=drawing))
        for kind in {"cpu", *(device.type for device in drawing)}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.callback(_set, modes)
        _set(dict.fromkeys(modes, False))
        yield


def _set(modes: dict[torch.nn.Module, bool]) -> None:
    for module, training in modes.items():
        module.training = training
