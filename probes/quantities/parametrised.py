"""Weights that a parametrisation such as ``weight_norm`` or ``spectral_norm`` makes of other parameters."""

import re
from collections.abc import Mapping
from operator import attrgetter

import torch
from torch.nn.utils.parametrize import ParametrizationList

from probes.quantities.evaluating import evaluating

__all__ = ["made", "made_weights"]

_PART = re.compile(r"(?P<module>(?:.+\.)?)parametrizations\.(?P<weight>[^.]+)\.(?P<part>.+)")


def made_weights(names: Mapping[str, str], model: torch.nn.Module) -> dict[str, str]:
    """Where each weight is made, ``layer.parametrizations.weight``, by the name it has in a model without that.

    Args:
        names: Plain name to full name of the model's parameters.
        model: The model.

    Example:
        >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2))
        >>> made_weights({name: name for name, _ in layer.named_parameters()}, layer)
        {'weight': 'parametrizations.weight'}
    """
    found = {}
    for plain, full in names.items():
        if match := _PART.fullmatch(plain):
            path = full.removesuffix(f".{match['part']}")
            if path != full and isinstance(attrgetter(path)(model), ParametrizationList):
                found[match["module"] + match["weight"]] = path
    return found


def made(model: torch.nn.Module, path: str) -> torch.Tensor:
    """The weight made at ``path``, as in evaluation mode; to read it in training mode can change how it is made.

    Example:
        >>> layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(2, 2))
        >>> before = layer.parametrizations.weight[0]._u.clone()
        >>> made(layer, "parametrizations.weight").shape
        torch.Size([2, 2])
        >>> torch.equal(layer.parametrizations.weight[0]._u, before)
        True
    """
    making: ParametrizationList = attrgetter(path)(model)
    with evaluating(making):
        weight: torch.Tensor = making()
    return weight
