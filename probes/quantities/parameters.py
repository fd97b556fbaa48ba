"""A model's parameters under the names its author gave them, read afresh at every look."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from operator import attrgetter

import torch
from torch.nn.utils.parametrize import is_parametrized

from probes.distributed import check_gatherable, is_sharded, whole
from probes.errors import UsageError
from probes.quantities.parametrised import made, made_weights

__all__ = ["Parameters"]

_SHOWN = 10  # names in an error message


class Parameters(Mapping[str, torch.Tensor]):
    """A model's parameters by name, outside the autograd graph and without the names that wrappers put in front.

    ``DistributedDataParallel`` adds ``module.`` to every name and ``torch.compile`` adds ``_orig_mod.``; both are left
    out. A parameter is looked up in the model each time, so one that was replaced is seen.

    Where a parametrisation such as ``weight_norm`` makes a weight of other parameters, these are listed. The weight
    itself, ``layer.weight``, can be looked up and chosen, too, and is made as in evaluation mode: in training mode
    ``spectral_norm`` would change its state.

    Example:
        >>> parameters = Parameters(torch.nn.Sequential(torch.nn.Linear(3, 2)))
        >>> list(parameters)
        ['0.weight', '0.bias']
        >>> parameters.matching("*.weight")
        ['0.weight']
    """

    def __init__(self, model: torch.nn.Module) -> None:
        check_gatherable(model)
        self._model = model
        self.sharded = is_sharded(model)  # then all processes have to look up the same names at the same steps
        # Tied weights have several names, and a user may know any of them.
        self._full_names = _plain_names([name for name, _ in model.named_parameters(remove_duplicate=False)])
        self._lookups = {plain: _Lookup(full) for plain, full in self._full_names.items()}
        self._made = made_weights(self._full_names, model)

    def __getitem__(self, name: str) -> torch.Tensor:
        """The parameter, or the weight made of parameters, called ``name`` as it is now.

        Raises:
            UsageError: there is none.
        """
        lookup = self._lookups.get(name)
        if lookup is None:
            return whole(made(self._model, self._made[name]) if name in self._made else self.leaf(name))
        value: torch.Tensor = lookup(self._model).detach()
        return whole(value) if self.sharded else value

    def leaf(self, name: str) -> torch.Tensor:
        """The parameter itself, which knows its gradient.

        Raises:
            UsageError: there is none, or it is no parameter but made of some.
        """
        if name in self._made:
            parts = [plain for plain, full in self._full_names.items() if full.startswith(f"{self._made[name]}.")]
            raise UsageError(f"expected a parameter, got `{name}`, which is made of {', '.join(parts)}; name these")
        if name not in self._lookups:
            raise UsageError(self._unknown(name))
        parameter: torch.Tensor = self._lookups[name](self._model)
        return parameter

    def __iter__(self) -> Iterator[str]:
        return iter(self._full_names)

    def __len__(self) -> int:
        return len(self._full_names)

    def matching(self, pattern: str | torch.nn.Parameter | torch.nn.Module) -> list[str]:
        """The names that a name or glob such as ``layers.*.weight`` chooses, in the model's order, made weights last.

        A parameter chooses itself, and a module the parameter that is its weight.

        Raises:
            UsageError: it chooses none.
        """
        if not isinstance(pattern, str):
            return [self._name_of(pattern)]
        if pattern in self._full_names or pattern in self._made:
            return [pattern]

        everything = {**self._full_names, **dict.fromkeys(self._made, "")}
        names = [plain for plain, full in everything.items() if full == pattern or fnmatchcase(plain, pattern)]
        if not names:
            raise UsageError(self._unknown(pattern))
        return names

    def _name_of(self, thing: torch.nn.Parameter | torch.nn.Module) -> str:
        own = _weight_of(thing) if isinstance(thing, torch.nn.Module) else thing
        places = {**self._full_names, **self._made}
        for name, place in places.items():
            if own is not None and attrgetter(place)(self._model) is own:
                return name
        what = f"{type(thing).__name__} with a weight" if isinstance(thing, torch.nn.Module) else "parameter"
        raise UsageError(f"expected a {what} of the model, got another; name the parameter, one of {self._shown()}")

    def _shown(self) -> str:
        return ", ".join(list(self)[:_SHOWN])

    def _unknown(self, pattern: str) -> str:
        nearest = sorted([*self, *self._made], key=lambda name: -SequenceMatcher(None, name, pattern).ratio())
        more = f" and {len(nearest) - _SHOWN} more" if len(nearest) > _SHOWN else ""
        return f"expected a parameter's name or glob, got `{pattern}`; there are {', '.join(nearest[:_SHOWN])}{more}"


class _Lookup:
    """Finds a parameter in a model, in the tables of its modules: by attributes it takes four times as long."""

    def __init__(self, full_name: str) -> None:
        *self._owners, self._leaf = full_name.split(".")
        self._by_attributes = attrgetter(full_name)

    def __call__(self, model: torch.nn.Module) -> torch.Tensor:
        module: torch.nn.Module | None = model
        try:
            for name in self._owners:
                module = module._modules[name]  # type: ignore[union-attr] # noqa: SLF001 - as torch's own `parameters`
            parameter = module._parameters[self._leaf]  # type: ignore[union-attr] # noqa: SLF001
        except (AttributeError, KeyError):  # what stands there now is no parameter, or no module
            parameter = None
        return self._by_attributes(model) if parameter is None else parameter


def _weight_of(module: torch.nn.Module) -> object:
    """The module's weight, or what makes it."""
    if is_parametrized(module, "weight"):
        return attrgetter("parametrizations.weight")(module)
    return dict(module.named_parameters(recurse=False)).get("weight")


def _plain_names(full_names: list[str]) -> dict[str, str]:
    """Plain name to full name; ``module.`` counts as a wrapper's only where every name begins with it."""
    plain_names = [name.replace("_orig_mod.", "").replace("_checkpoint_wrapped_module.", "") for name in full_names]
    while plain_names and all(name.startswith("module.") for name in plain_names):
        plain_names = [name.removeprefix("module.") for name in plain_names]
    return dict(zip(plain_names, full_names, strict=True))
