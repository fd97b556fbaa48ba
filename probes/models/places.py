"""Where in a model a name leads, found out at each look: layers are pruned, parametrised, replaced and moved."""

import weakref

import torch
from torch import nn

from probes.errors import UsageError
from probes.models.derived import computed
from probes.models.modules import named_modules

__all__ = ["Place"]


class Place:
    """Reads what a name stands for in a model, in the tables of its modules: by attributes it takes four times as long.

    Args:
        full_name: The name, with those of wrappers.

    Example:
        >>> Place("0.weight")(nn.Sequential(nn.Linear(3, 2))).shape
        torch.Size([2, 3])
    """

    def __init__(self, full_name: str) -> None:
        self.full_name = full_name
        *self._owners, self._leaf = full_name.split(".")
        self._followed: weakref.ref[nn.Module] | None = None

    def __call__(self, model: nn.Module) -> torch.Tensor:
        """The parameter, which knows its gradient, or what the module computes in its place.

        Raises:
            UsageError: the name stands for nothing that can be read.
        """
        module = self.owner(model)
        try:
            parameter = module._parameters[self._leaf]  # noqa: SLF001 - as torch's own `parameters`
        except KeyError:
            parameter = None
        value = computed(module, self._leaf) if parameter is None else parameter
        if value is None:
            raise UsageError(f"expected in `{self.full_name}` a weight that can be read, got none: it was replaced")
        return value

    def owner(self, model: nn.Module) -> nn.Module:
        """The module that has the parameter now.

        Raises:
            UsageError: there is none.
        """
        module: nn.Module | None = model
        try:
            for name in self._owners:
                module = module._modules[name]  # type: ignore[union-attr] # noqa: SLF001 - likewise
        except (AttributeError, KeyError):
            module = None
        if self._followed is not None and module is not self._followed():
            module = self._found(model, self._followed())
        if module is None:
            raise UsageError(f"expected the module of `{self.full_name}` in the model, got none: it was removed")
        return module

    def follow(self, model: nn.Module) -> None:
        """Stay with the module that is there now, wherever in the model it goes; else the name decides."""
        self._followed = weakref.ref(self.owner(model))

    def _found(self, model: nn.Module, followed: nn.Module | None) -> nn.Module | None:
        for path, module in named_modules(model):
            if module is followed and followed is not None:
                self._owners = path.split(".") if path else []
                return module
        return None
