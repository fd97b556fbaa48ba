"""Directions from a reference network: what the neurons of a trained layer look for.

Axes: f = feature (a neuron of the reference), d = dim.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from probes.directions import Directions
from probes.errors import UsageError
from probes.estimators.reading import hash_of
from probes.estimators.stability import BEST_MATCH, unit
from probes.log.layout import WEIGHTS

__all__ = ["reference_weights"]

Source = Mapping[str, Tensor] | torch.nn.Module | str | Path
_SHOWN = 10


def reference_weights(source: Source, name: str, *, axes: int = 1, again: Source | None = None) -> Directions:
    r"""The unit weights :math:`u_f = w_f / \|w_f\|` of a layer of a reference network, one direction per neuron.

    A neuron whose weights are all zero is no direction and is left out; the labels are the neurons' numbers.

    Args:
        source: A state dict, a model, a ``.safetensors`` file, or the directory of a recorded run that kept its weights
            (``weights.safetensors``, where a study's weights ``(class, neuron, dim)`` are called ``weight``).
        name: The parameter's name.
        axes: How many leading axes count neurons; all further ones are flattened into ``dim``.
        again: The same layer of a second reference, trained from another seed: the agreement of the two, matched one
            to one, is the stability. Without one there is no such figure, as there are no data to split.

    Raises:
        UsageError: the file cannot be read, has another format, or has no parameter of this name.
        ValueError: the parameter has no further axes, is not finite, or all its weights are zero.

    Example:
        >>> model = torch.nn.Conv2d(3, 8, 5)
        >>> reference_weights(model, "weight")
        Directions(feature=8, dim=75)
    """
    weight = _weight(source, name)
    vectors = _vectors(weight, name, axes)
    alive = (vectors != 0).any(-1)
    if not bool(alive.any()):
        raise ValueError(f"expected weights in `{name}` that are not all zero")

    numbers = torch.cartesian_prod(*map(torch.arange, weight.shape[:axes])).view(-1, axes)[alive].tolist()
    facts: dict[str, str | float] = {
        "estimator": f"reference_weights({name}, axes={axes})",
        "data_sha256": hash_of(weight),
        "left_out": int((~alive).sum()),
        "stability_rule": "unknown without a second reference network; name one as `again`",
    }
    if again is not None:
        facts |= _agreement(vectors[alive], _vectors(_weight(again, name), name, axes))
    labels = {"feature": [", ".join(map(str, number)) for number in numbers]}
    return Directions(vectors[alive].float(), ("feature",), labels=labels, facts=facts)


def _agreement(vectors: Tensor, others: Tensor) -> dict[str, str | float]:
    if len(others) < len(vectors) or others.shape[1] != vectors.shape[1]:
        raise ValueError(
            f"expected `again` with weights for at least {len(vectors)} neurons of dim {vectors.shape[1]}, got "
            f"{len(others)} of dim {others.shape[1]}"
        )
    rule = "mean |cosine| of the neurons' weights in two reference networks, matched one to one"
    return {**BEST_MATCH(vectors, others, seed=0), "stability_rule": rule}


def _vectors(weight: Tensor, name: str, axes: int) -> Tensor:
    """Unit weights ``(neuron, dim)``, float64; zeros for a neuron without weights."""
    if not 1 <= axes < weight.ndim:
        raise ValueError(f"expected `{name}` with more than {axes} axes, got shape {tuple(weight.shape)}")
    flat = weight.detach().cpu().double().flatten(axes).flatten(0, axes - 1)
    if not bool(torch.isfinite(flat).all()):
        raise ValueError(f"expected finite weights in `{name}`, got NaN or an infinite value")
    return unit(flat)


def _weight(source: Source, name: str) -> Tensor:
    if isinstance(source, str | Path):
        return _read(Path(source), name)
    state = source.state_dict() if isinstance(source, torch.nn.Module) else source
    if name not in state:
        raise _unknown(name, list(state), "the state dict")
    return state[name]


def _read(path: Path, name: str) -> Tensor:
    path = path / WEIGHTS if path.is_dir() else path
    if path.suffix != ".safetensors":
        raise UsageError(f"expected weights in a .safetensors file or a run's directory, got `{path}`")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if name in names:
                weight: Tensor = file.get_tensor(name)
                return weight
    except (OSError, SafetensorError) as error:
        raise UsageError(f"no weights could be read from `{path}`: {error}") from error
    raise _unknown(name, names, f"`{path}`")


def _unknown(name: str, names: list[str], where: str) -> UsageError:
    nearest = get_close_matches(name, names, _SHOWN, 0) or ["none"]
    return UsageError(f"expected a parameter of {where}, got `{name}`; there are {', '.join(nearest)}")
