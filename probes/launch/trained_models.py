"""Which models an optimizer trains: the live modules that hold its parameters, found without having seen them made."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from typing import TypeVar, cast

from torch.nn import Module
from torch.optim import Optimizer

from probes.models.modules import named_modules, parameters

__all__ = ["Identities", "identities", "optimizers_of", "outermost_models", "owners", "unwrapped"]

Identities = Set[int]  # `id` of parameters, which compare by value
Kind = TypeVar("Kind")
_WRAPPERS = ({"module"}, {"_orig_mod"})  # DistributedDataParallel and DataParallel, torch.compile


def identities(thing: Module | Optimizer) -> set[int]:
    """The identities of a module's or an optimizer's parameters.

    Example:
        >>> from torch import nn, optim
        >>> model = nn.Linear(3, 2)
        >>> identities(model) == identities(optim.SGD(model.parameters()))
        True
    """
    if isinstance(thing, Module):
        return {id(parameter) for parameter in parameters(thing)}
    return {id(parameter) for group in thing.param_groups for parameter in group["params"]}


def owners(parameters: Identities, fits: Callable[[Module], bool] = lambda module: True) -> list[Module]:
    """The live modules that hold the parameters, as few and as far out as can be, without wrappers around them.

    A harness that holds two networks is one owner; a loss that holds the network is one only where the network itself
    does not fit and it does.

    Args:
        parameters: Those that must be held; those that no module holds are left out.
        fits: Whether a module is one that is looked for; such are preferred.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
        >>> owners(identities(model[0])) == [model]
        True
    """
    missing = set(parameters)
    found = []
    candidates = [_best(root, parameters, fits) for root in _outermost(parameters)]
    # Those that fit first, then those that hold most of the parameters, then those that hold least beside them.
    order = {id(each): (not fits(each), -len(missing & identities(each)), len(identities(each))) for each in candidates}
    for candidate in sorted(candidates, key=lambda each: order[id(each)]):
        if missing & identities(candidate):
            missing -= identities(candidate)
            found.append(candidate)
    return found


def outermost_models(fits: Callable[[Module], bool] = lambda module: True) -> list[Module]:
    """The live modules with parameters that no other module holds, trained or not, without wrappers around them.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
        >>> any(each is model for each in outermost_models())
        True
    """
    everything = {each for module in _modules() for each in _own(module)}
    return [_best(root, identities(root), fits) for root in _outermost(everything)]


def unwrapped(module: Module) -> Module:
    """The model in the wrappers of DistributedDataParallel, DataParallel and torch.compile, or the module as it is.

    Example:
        >>> from torch import nn
        >>> model = nn.Linear(3, 2)
        >>> unwrapped(nn.DataParallel(model)) is model
        True
    """
    while module._modules.keys() in _WRAPPERS and not _own(module):  # noqa: SLF001 - as `parameters`
        (module,) = _children(module)
    return module


def optimizers_of(parameters: Identities | None = None) -> list[Optimizer]:
    """The live optimizers, of those that call hooks at their steps, that train some of the parameters, or any.

    Example:
        >>> from torch import nn, optim
        >>> model = nn.Linear(3, 2)
        >>> optimizer = optim.SGD(model.parameters())
        >>> optimizers_of(identities(model)) == [optimizer]
        True
    """
    return [
        optimizer
        for optimizer in _live(Optimizer)
        # One that wraps another may pass on its parameters, but has never been set up itself.
        if "_optimizer_step_pre_hooks" in vars(optimizer) and (parameters is None or parameters & identities(optimizer))
    ]


def _live(kind: type[Kind]) -> list[Kind]:
    """All live objects of a class.

    By the identity of their types: `isinstance` would ask proxies what they stand for, and some types cannot be hashed.
    """
    kinds = [kind]
    for each in kinds:  # grows as it is walked
        kinds += type.__subclasses__(each)
    wanted = set(map(id, kinds))

    return [cast(Kind, thing) for thing in _objects() if id(type(thing)) in wanted]


def _objects() -> list[object]:
    """All that the garbage collector knows, also what a program has set aside with ``gc.freeze``."""
    if not gc.get_freeze_count():
        return gc.get_objects()
    gc.unfreeze()
    try:
        return gc.get_objects()
    finally:
        gc.freeze()


def _modules() -> list[Module]:
    return [
        module for module in _live(Module) if {"_modules", "_parameters"} <= vars(module).keys()
    ]  # one may be in the making


def _own(module: Module) -> set[int]:
    """Identities of the parameters that the module itself holds."""
    return {id(each) for each in module._parameters.values() if each is not None}  # noqa: SLF001 - as `parameters`


def _children(module: Module) -> list[Module]:
    return [child for child in module._modules.values() if child is not None]  # noqa: SLF001 - as `parameters`


def _outermost(parameters: Identities) -> list[Module]:
    """The live modules that hold some of the parameters, and that no other such module holds."""
    modules = _modules()
    parents: dict[int, list[Module]] = defaultdict(list)
    for module in modules:
        for child in _children(module):
            parents[id(child)].append(module)

    above = [module for module in modules if parameters & _own(module)]
    seen: dict[int, Module] = {}
    while above:
        module = above.pop()
        if id(module) not in seen:
            seen[id(module)] = module
            above += parents[id(module)]
    return [module for key, module in seen.items() if not parents[key]]


def _best(root: Module, parameters: Identities, fits: Callable[[Module], bool]) -> Module:
    """The root, or of the modules in it that hold as many of the parameters the first that fits; never a wrapper."""
    held = parameters & identities(root)
    inner: Iterable[Module] = (module for _, module in named_modules(root) if held <= identities(module))
    return unwrapped(next(filter(fits, inner), root))
