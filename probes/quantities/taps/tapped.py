"""The parameters that a user taps, chosen by name, glob or object, and random directions beside them."""

from collections.abc import Iterator, Mapping, Sequence

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.models.parameters import Parameters
from probes.models.readable import check_readable
from probes.quantities.contract.quantity import Quantity
from probes.quantities.taps.tap import Tap, as_tap

__all__ = ["Chosen", "Tapped", "nulls", "tapped"]

Tapped = Directions | Tap | Sequence[Directions | Tap]
Chosen = str | torch.nn.Parameter | torch.nn.Module


def tapped(taps: Mapping[Chosen, Tapped], parameters: Parameters, *, null: bool = False) -> list[Quantity]:
    """The correlation of every parameter that a tap's key chooses: a name, a glob, a parameter, or a module's weight.

    Args:
        taps: Key to directions, to a `Tap`, or to several of them.
        parameters: Those of the model.
        null: Whether each tap has its null beside it, after all taps.

    Raises:
        UsageError: a key chooses no parameter, or one that cannot be read, or two taps give one series.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
        >>> [quantity.name for quantity in tapped({"*.weight": Directions(torch.eye(4))}, Parameters(model))]
        ['0.weight', '1.weight']
        >>> [quantity.name for quantity in tapped({model[1]: Directions(torch.eye(4))}, Parameters(model), null=True)]
        ['1.weight', '1.weight.null']
    """
    keys: dict[str, Chosen] = {}
    chosen: list[tuple[str, Tap]] = []
    for key, name, tap in _triples(taps, parameters):
        series = name + tap.suffix
        if series in keys:
            raise UsageError(
                f"expected one tap for `{series}`, got {_told(keys[series])} and {_told(key)}; make one narrower, or "
                "give it a suffix: `Tap(directions, suffix='.other')`"
            )
        keys[series] = key
        chosen.append((name, tap))

    for name, _ in chosen:
        check_readable(name, parameters.value(name))
    beside = nulls(chosen) if null else []
    return [tap.quantity(name, parameters[name]) for name, tap in (*chosen, *beside)]


def nulls(taps: Sequence[tuple[str, Tap]]) -> list[tuple[str, Tap]]:
    """The null of every tap, beside the name of its parameter.

    A tap of random directions has none, nor one whose null a user records in another form under the same name.

    Example:
        >>> [(name, null)] = nulls([("weight", Tap(Directions(torch.eye(4))))])
        >>> name, null.suffix
        ('weight', '.null')
    """
    known = {name + tap.suffix for name, tap in taps}
    given = {id(tap): tap for _, tap in taps if not tap.is_null}
    random = {key: tap.null() for key, tap in given.items()}
    beside = [(name, random[id(tap)]) for name, tap in taps if id(tap) in random]

    return [(name, tap) for name, tap in beside if name + tap.suffix not in known]


def _triples(taps: Mapping[Chosen, Tapped], parameters: Parameters) -> Iterator[tuple[Chosen, str, Tap]]:
    for key, value in taps.items():
        given = [as_tap(tap) for tap in (value if isinstance(value, Sequence) else [value])]
        for name in parameters.matching(key):
            for tap in given:
                yield key, name, tap


def _told(key: Chosen) -> str:
    return f"`{key}`" if isinstance(key, str) else f"the {type(key).__name__} itself"
