"""What a user taps: parameters, chosen by name or glob, together with directions."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities.correlation import correlation
from probes.quantities.parameters import Parameters
from probes.quantities.quantity import Quantity
from probes.store.directions import StoredDirections

__all__ = ["Tap", "as_tap", "stored_directions", "tapped"]


@dataclass(frozen=True)
class Tap:
    """Directions together with the names of a parameter's leading axes.

    The axes that ``dims`` names are kept, all further ones are flattened into the ``dim`` of the directions:

    | parameter | dims | recorded axes |
    |---|---|---|
    | Linear (out, in) | ("neuron",) | (neuron, feature_class, view) |
    | Conv2d (out, in, height, width) | ("neuron",) | (neuron, feature_class, view), dim = in * height * width |
    | (class, neuron, dim) | ("class", "neuron") | (class, neuron, feature_class, view) |

    Raises:
        ValueError: two axes would have the same name.

    Example:
        >>> Tap(Directions(torch.eye(6).reshape(3, 2, 6)), dims=("class", "neuron"))
        Tap(directions=Directions(feature_class=3, view=2, dim=6), dims=('class', 'neuron'))
    """

    directions: Directions
    dims: tuple[str, ...] = ("neuron",)

    def __post_init__(self) -> None:
        names = (*self.dims, *self.directions.names)
        if len(set(names)) != len(names):
            raise ValueError(f"expected different names for the axes that `dims` and directions name, got {names}")

    def quantity(self, name: str, parameter: torch.Tensor) -> Quantity:
        """The correlation of the parameter called ``name``, stored in float64 if the parameter is, else in float32."""
        dtype = "<f8" if parameter.dtype == torch.float64 else "<f4"
        return correlation(name, self.directions, dims=self.dims, dtype=dtype)


def as_tap(value: Directions | Tap, *, dims: tuple[str, ...] = ("neuron",)) -> Tap:
    """The tap as it is; bare directions as a tap with ``dims``.

    Example:
        >>> as_tap(Directions(torch.eye(4))).dims
        ('neuron',)
    """
    return value if isinstance(value, Tap) else Tap(value, dims)


def stored_directions(taps: Mapping[str, Directions | Tap]) -> StoredDirections | None:
    """What a run keeps of the directions, which all its taps share; None where there is no tap.

    Raises:
        UsageError: two taps have different directions.

    Example:
        >>> stored_directions({"0.weight": Directions(torch.eye(4)), "1.weight": Tap(Directions(torch.eye(4)))}).dims
        ('feature', 'dim')
    """
    found = {tap.directions.sha256: tap.directions for tap in map(as_tap, taps.values())}
    if len(found) > 1:
        raise UsageError(
            f"expected one set of directions for all taps of a recorder, got {len(found)}: "
            f"{', '.join(map(repr, found.values()))}; give each its own Recorder on the same optimizer"
        )
    return next((directions.stored() for directions in found.values()), None)


def tapped(taps: Mapping[str, Directions | Tap], parameters: Parameters) -> list[Quantity]:
    """The correlation of every parameter that a tap's key, a name or a glob, chooses.

    Raises:
        UsageError: a key chooses no parameter, or two keys choose the same one.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
        >>> [quantity.name for quantity in tapped({"*.weight": Directions(torch.eye(4))}, Parameters(model))]
        ['0.weight', '1.weight']
    """
    chosen: dict[str, str] = {}
    for key in taps:
        for name in parameters.matching(key):
            if name in chosen:
                raise UsageError(f"expected one tap for `{name}`, got `{chosen[name]}` and `{key}`; make one narrower")
            chosen[name] = key

    return [as_tap(taps[key]).quantity(name, parameters[name]) for name, key in chosen.items()]
