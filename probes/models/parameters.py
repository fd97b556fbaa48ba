"""A model's parameters under the names its author gave them, read afresh at every look."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

import torch

from probes.errors import UsageError
from probes.models.derived import derived_names, parts_of
from probes.models.distributed import check_gatherable, is_sharded, whole
from probes.models.modules import named_modules, named_parameters
from probes.models.places import Place

__all__ = ["Parameters"]

_SHOWN = 10  # names in an error message
_FLOAT8 = frozenset(kind for name, kind in vars(torch).items() if name.startswith("float8_"))  # not computed with


class Parameters(Mapping[str, torch.Tensor]):
    """A model's parameters by name, outside the autograd graph and without the names that wrappers put in front.

    ``DistributedDataParallel`` adds ``module.`` to every name and ``torch.compile`` adds ``_orig_mod.``; both are left
    out. What a name stands for is decided at each look: a parameter that was replaced is seen, and so is a layer that
    was pruned or parametrised since.

    Where a parametrisation such as ``weight_norm``, or pruning, makes a weight of other parameters, these are listed.
    The weight itself, ``layer.weight``, can be looked up and chosen, too, and is computed as in evaluation mode: in
    training mode ``spectral_norm`` would change its state. What was chosen as a parameter or a module stays with the
    module, wherever in the model that goes.

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
        own = [name for name, _ in named_parameters(model)]
        computed = [
            f"{path}.{name}" if path else name
            for path, module in named_modules(model)
            for name in derived_names(module)
        ]
        places = {plain: Place(full) for plain, full in _plain_names([*own, *computed]).items()}
        self._places = {plain: place for plain, place in places.items() if place.full_name in set(own)}
        self._computed = {plain: place for plain, place in places.items() if plain not in self._places}
        self._every = {**self._places, **self._computed}

    def __getitem__(self, name: str) -> torch.Tensor:
        """The parameter, or the weight computed from parameters, called ``name`` as it is now.

        Raises:
            UsageError: there is none.
        """
        place = self._every.get(name)
        value = (self.value(name) if place is None else place(self._model)).detach()
        if value.dtype in _FLOAT8:
            value = value.float()
        return whole(value) if self.sharded else value

    def value(self, name: str) -> torch.Tensor:
        """What ``name`` stands for as the model has it, of processes that share it a part, and with its graph.

        Raises:
            UsageError: there is none.
        """
        if name not in self._every:
            raise UsageError(self._unknown(name))
        return self._every[name](self._model)

    def leaf(self, name: str) -> torch.Tensor:
        """The parameter itself, which knows its gradient.

        Raises:
            UsageError: there is none, or it is no parameter but made of some.
        """
        value = self.value(name)
        if not isinstance(value, torch.nn.Parameter):
            now = [_plain(full) for full, _ in named_parameters(self._model)]
            made = ", ".join(parts_of(name, now))
            what = f"which is made of {made}; name these" if made else "which is a tensor"
            raise UsageError(f"expected a parameter, got `{name}`, {what}")
        return value

    def leaves(self, name: str) -> list[torch.Tensor]:
        """The parameters that decide what ``name`` stands for now; none where there is none."""
        found = dict(named_parameters(self._model))
        full = self._every[name].full_name if name in self._every else name
        return [found[each] for each in ([full] if full in found else parts_of(full, list(found)))]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def matching(self, pattern: str | torch.nn.Parameter | torch.nn.Module) -> list[str]:
        """The names that a name or glob such as ``layers.*.weight`` chooses, in the model's order, made weights last.

        A parameter chooses itself, and a module the parameter that is its weight.

        Raises:
            UsageError: it chooses none.
        """
        if not isinstance(pattern, str):
            return [self._name_of(pattern)]
        if pattern in self._every:
            return [pattern]

        places = self._every.items()
        names = [plain for plain, place in places if place.full_name == pattern or fnmatchcase(plain, pattern)]
        if not names:
            raise UsageError(self._unknown(pattern))
        return names

    def _name_of(self, thing: torch.nn.Parameter | torch.nn.Module) -> str:
        """The name of a parameter or of a module's weight, which from now on stays with its module."""
        for name, place in self._every.items():
            if self._is(place, name, thing):
                place.follow(self._model)
                return name
        what = f"{type(thing).__name__} with a weight" if isinstance(thing, torch.nn.Module) else "parameter"
        raise UsageError(f"expected a {what} of the model, got another; name the parameter, one of {self._shown()}")

    def _is(self, place: Place, name: str, thing: torch.nn.Parameter | torch.nn.Module) -> bool:
        if isinstance(thing, torch.nn.Module):
            return name.rpartition(".")[2] == "weight" and place.owner(self._model) is thing
        return name in self._places and place(self._model) is thing

    def _shown(self) -> str:
        return ", ".join(list(self)[:_SHOWN])

    def _unknown(self, pattern: str) -> str:
        nearest = sorted(self._every, key=lambda name: -SequenceMatcher(None, name, pattern).ratio())
        more = f" and {len(nearest) - _SHOWN} more" if len(nearest) > _SHOWN else ""
        return f"expected a parameter's name or glob, got `{pattern}`; there are {', '.join(nearest[:_SHOWN])}{more}"


def _plain_names(full_names: list[str]) -> dict[str, str]:
    """Plain name to full name; ``module.`` counts as a wrapper's only where every name begins with it."""
    plain_names = list(map(_plain, full_names))
    while plain_names and all(name.startswith("module.") for name in plain_names):
        plain_names = [name.removeprefix("module.") for name in plain_names]
    return dict(zip(plain_names, full_names, strict=True))


def _plain(full_name: str) -> str:
    return full_name.replace("_orig_mod.", "").replace("_checkpoint_wrapped_module.", "")
