"""Weights that a module computes from parameters: by parametrisation, pruning, or a hook before its forward pass.

Nothing is read as an attribute, which in training mode can change a module's state: each form is computed anew.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from probes.models.evaluating import evaluating

__all__ = ["computed", "derived_names", "parts_of"]

_PARAMETRISED = "parametrizations"


def computed(module: nn.Module, name: str) -> torch.Tensor | None:
    """What ``module.<name>`` stands for now, if that is no parameter; None where it is unknown or out of date.

    A weight that is computed is that of evaluation mode; an old one, which the last forward pass left on the module, is
    never taken.

    Example:
        >>> layer = torch.nn.utils.prune.l1_unstructured(nn.Linear(2, 2), "weight", 2)
        >>> _ = layer.weight_orig.data.mul_(3)
        >>> torch.equal(computed(layer, "weight"), (layer.weight_orig * layer.weight_mask).detach())
        True
        >>> computed(layer, "depth") is None
        True
    """
    chain = _parametrisation(module, name)
    if chain is not None:
        with evaluating(chain):
            parametrised: torch.Tensor = chain()
        return parametrised

    hooks = list(module._forward_pre_hooks.values())  # noqa: SLF001 - torch has no public name for them
    for hook in hooks:
        if name == _target(hook):
            with torch.no_grad():
                return _recomputed(hook, module)
    buffer = module._buffers.get(name)  # noqa: SLF001 - likewise
    plain = None if hooks else vars(module).get(name)  # with a hook, what the last forward pass left
    found = plain if buffer is None else buffer
    return found.detach() if isinstance(found, torch.Tensor) else None


def derived_names(module: nn.Module) -> Iterator[str]:
    """The names of the weights that the module itself computes from parameters.

    Example:
        >>> list(derived_names(torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))))
        ['weight']
    """
    chains = module._modules.get(_PARAMETRISED)  # noqa: SLF001 - likewise
    for name in () if chains is None else chains._modules:  # noqa: SLF001 - likewise
        if _parametrisation(module, name) is not None:
            yield name
    targets = map(_target, module._forward_pre_hooks.values())  # noqa: SLF001 - likewise
    yield from (name for name in targets if name is not None)


def parts_of(name: str, names: list[str]) -> list[str]:
    """The parameters from which a weight is computed, of all names.

    Example:
        >>> parts_of("0.weight", ["0.weight_g", "0.weight_v", "0.bias"])
        ['0.weight_g', '0.weight_v']
    """
    prefix, dot, leaf = name.rpartition(".")
    begins = (f"{prefix}{dot}{leaf}_", f"{prefix}{dot}{_PARAMETRISED}.{leaf}.")
    return [each for each in names if each.startswith(begins)]


def _parametrisation(module: nn.Module, name: str) -> ParametrizationList | None:
    chains = module._modules.get(_PARAMETRISED)  # noqa: SLF001 - likewise
    chain = None if chains is None else chains._modules.get(name)  # noqa: SLF001 - likewise
    return chain if isinstance(chain, ParametrizationList) else None


def _target(hook: object) -> str | None:
    """The name of the weight that a hook of torch's computes before a forward pass."""
    match hook:
        case BasePruningMethod():
            return getattr(hook, "_tensor_name", None)
        case WeightNorm() | SpectralNorm():
            return hook.name
    return None


def _recomputed(hook: object, module: nn.Module) -> torch.Tensor:
    weight: torch.Tensor
    match hook:
        case BasePruningMethod():
            weight = hook.apply_mask(module)
        case SpectralNorm():
            weight = hook.compute_weight(module, do_power_iteration=False)
        case WeightNorm():
            weight = hook.compute_weight(module)
    return weight.detach()
