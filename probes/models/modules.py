"""A model's modules and parameters, read in torch's own tables.

A model may define ``named_parameters`` or ``parameters`` itself, with another signature, a part of its parameters or
other names; the tables ``_modules`` and ``_parameters`` are what ``state_dict`` and every optimizer rest on.
"""

from collections.abc import Iterator

import torch
from torch import nn

__all__ = ["named_modules", "named_parameters", "parameters"]


def named_modules(model: nn.Module, prefix: str = "", above: tuple[int, ...] = ()) -> Iterator[tuple[str, nn.Module]]:
    """Every module under each of its names, the model first, called ``""``.

    Args:
        model: The model.
        prefix: What the names of its modules begin with.
        above: Identities of the modules that hold it, into which no path leads back.

    Example:
        >>> [name for name, _ in named_modules(nn.Sequential(nn.Linear(3, 2), nn.ReLU()))]
        ['', '0', '1']
    """
    yield prefix, model
    above = (*above, id(model))
    for name, module in list(model._modules.items()):  # noqa: SLF001 - see above
        if module is not None and id(module) not in above:
            yield from named_modules(module, f"{prefix}.{name}" if prefix else name, above)


def named_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Every parameter under each of its names, in the model's order; one that is tied has several.

    Example:
        >>> [name for name, _ in named_parameters(nn.Sequential(nn.Linear(3, 2)))]
        ['0.weight', '0.bias']
    """
    for prefix, module in named_modules(model):
        for name, parameter in list(module._parameters.items()):  # noqa: SLF001 - see above
            if parameter is not None:
                yield f"{prefix}.{name}" if prefix else name, parameter


def parameters(model: nn.Module) -> list[torch.Tensor]:
    """Every parameter once.

    Example:
        >>> len(parameters(nn.Linear(3, 2)))
        2
    """
    return list({id(parameter): parameter for _, parameter in named_parameters(model)}.values())
