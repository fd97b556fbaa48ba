"""What a user taps: parameters, chosen by name, glob or object, together with directions."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities.correlation import batched_inner_products, inner_products
from probes.quantities.parameters import Parameters
from probes.quantities.quantity import Quantity, State
from probes.quantities.reductions import Reduction

__all__ = ["Chosen", "Tap", "Tapped", "as_tap", "tapped"]


@dataclass(frozen=True)
class Tap:
    """Directions together with the names of a parameter's leading axes, and how the parameter is laid out.

    The axes that ``dims`` names are kept, all further ones are flattened into the ``dim`` of the directions:

    | parameter | tap | recorded axes |
    |---|---|---|
    | Linear (out, in) | dims=("neuron",) | (neuron, feature_class, view) |
    | Conv2d (out, in, height, width) | dims=("neuron",) | (neuron, feature_class, view), dim = in * height * width |
    | Embedding (token, dim) | dims=("token",) | (token, feature_class, view) |
    | (class, neuron, dim) | dims=("class", "neuron") | (class, neuron, feature_class, view) |
    | attention in_proj (3 * dim, dim) | dims=("projection", "neuron"), split=(3, -1) | (projection, neuron, ...) |
    | what a Linear writes, columns | transposed=True | (neuron, ...), neuron = its inputs, dim = its outputs |

    Args:
        directions: Directions in the space of the flattened axes.
        dims: Names of the leading axes that are kept.
        split: Lengths into which the first axis is cut, one for each of ``dims``; -1 stands for what is left.
        transposed: Whether the first two axes are swapped before anything else.
        reduction: What is kept of the correlations; default all.
        labels: For an axis of ``dims``, what its entries are called.
        precision: ``"bits:12"`` keeps so many bits of each mantissa; a value changes by at most 2^-13 of it.
        suffix: Added to the parameter's name to name the series, where one parameter has several taps.

    Raises:
        ValueError: two axes would have the same name, or ``split`` has another length than ``dims``.
        UsageError: the reduction needs an axis that there is not.

    Example:
        >>> Tap(Directions(torch.eye(6).reshape(3, 2, 6)), dims=("class", "neuron")).axes
        ('class', 'neuron', 'feature_class', 'view')
    """

    directions: Directions
    dims: tuple[str, ...] = ("neuron",)
    split: tuple[int, ...] = ()
    transposed: bool = False
    reduction: Reduction | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    precision: str = ""
    suffix: str = ""

    def __post_init__(self) -> None:
        names = (*self.dims, *self.directions.names)
        if len(set(names)) != len(names):
            raise ValueError(f"expected different names for the axes that `dims` and directions name, got {names}")
        if self.split and len(self.split) != len(self.dims):
            raise ValueError(f"expected in `split` a length for each of {self.dims}, got {self.split}")
        _ = self.axes

    @property
    def axes(self) -> tuple[str, ...]:
        """Name of every recorded axis, without ``step``."""
        names = (*self.dims, *self.directions.names)
        return names if self.reduction is None else self.reduction.dims(names)

    @property
    def is_estimated(self) -> bool:
        """Whether the directions were estimated, and are no null themselves."""
        return "estimator" in self.directions.facts and "null_of" not in self.directions.facts

    def null(self) -> "Tap":
        """The same tap of random directions; its series has ``.null`` at the end of its name."""
        return replace(self, directions=self.directions.null(), suffix=f"{self.suffix}.null")

    def project(self, weight: torch.Tensor, name: str = "weight") -> torch.Tensor:
        """The inner products of a parameter, or of what has its shape such as a gradient, with the directions.

        Raises:
            UsageError: the parameter cannot be laid out so, or does not have the directions' dim.
        """
        return self.reduced(
            inner_products(self.laid_out(weight, name), self.directions, axes=len(self.dims), name=name)
        )

    def reduced(self, products: torch.Tensor) -> torch.Tensor:
        """What the reduction keeps of values with an axis for each of ``dims`` and of the directions' names."""
        return products if self.reduction is None else self.reduction(products, (*self.dims, *self.directions.names))

    def quantity(self, name: str, parameter: torch.Tensor) -> Quantity:
        """The correlation of the parameter called ``name``, stored in float64 if the parameter is, else in float32."""
        correlation = self.declared(
            name + self.suffix, lambda state: self.project(state.parameters[name], name), like=parameter
        )
        plain = not (self.split or self.transposed or self.reduction or self.directions.is_identity)
        batch = partial(self._products, name=name) if plain else None
        return replace(correlation, reads=(name,), batch=batch)

    def _products(self, parameters: Mapping[str, torch.Tensor], out: torch.Tensor, name: str) -> Callable[[], object]:
        """A function that writes the correlations of a parameter with an axis ``step`` in front."""
        weights = parameters[name].flatten(1, len(self.dims)).flatten(2)
        return batched_inner_products(weights, self.directions, out=out.view(*weights.shape[:2], -1))

    def declared(
        self, name: str, measure: Callable[[State], torch.Tensor], *, like: torch.Tensor | None = None
    ) -> Quantity:
        """A quantity of this tap's axes that comes about in another way than the correlation."""
        dtype = "<f8" if like is not None and like.dtype == torch.float64 else "<f4"
        labels = {**self.labels, **self.directions.labels}
        labels = {axis: entries for axis, entries in labels.items() if axis in self.axes}
        return Quantity(
            name,
            self.axes,
            measure,
            dtype=dtype,
            precision=self.precision,
            labels=labels,
            directions=self.directions.stored(),
        )

    def laid_out(self, weight: torch.Tensor, name: str = "weight") -> torch.Tensor:
        """A parameter with the axes ``dims`` first.

        Raises:
            UsageError: its first axis cannot be cut into the lengths of ``split``.
        """
        if self.transposed:
            weight = weight.transpose(0, 1)
        if not self.split:
            return weight
        given = math.prod(length for length in self.split if length > 0)
        if len(weight) % given or (-1 not in self.split and len(weight) != given):
            raise UsageError(f"expected a first axis of `{name}` that can be cut into {self.split}, got {len(weight)}")
        cut: torch.Tensor = weight.unflatten(0, self.split)
        return cut


Tapped = Directions | Tap | Sequence[Directions | Tap]
Chosen = str | torch.nn.Parameter | torch.nn.Module


def as_tap(value: Directions | Tap, *, dims: tuple[str, ...] = ("neuron",)) -> Tap:
    """The tap as it is; bare directions as a tap with ``dims``.

    Example:
        >>> as_tap(Directions(torch.eye(4))).dims
        ('neuron',)
    """
    return value if isinstance(value, Tap) else Tap(value, dims)


def tapped(taps: Mapping[Chosen, Tapped], parameters: Parameters, *, null: bool | None = False) -> list[Quantity]:
    """The correlation of every parameter that a tap's key chooses: a name, a glob, a parameter, or a module's weight.

    Args:
        taps: Key to directions, to a `Tap`, or to several of them.
        parameters: Those of the model.
        null: Whether each tap has one of random directions beside it, a series ``<name>.null``; None has them where
            directions were estimated.

    Raises:
        UsageError: a key chooses no parameter, or two taps give one series.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
        >>> [quantity.name for quantity in tapped({"*.weight": Directions(torch.eye(4))}, Parameters(model))]
        ['0.weight', '1.weight']
        >>> [quantity.name for quantity in tapped({model[1]: Directions(torch.eye(4))}, Parameters(model))]
        ['1.weight']
    """
    chosen: dict[str, tuple[str, Quantity]] = {}
    for key, name, tap in _pairs(taps, parameters, null=null):
        series = name + tap.suffix
        if series in chosen:
            raise UsageError(
                f"expected one tap for `{series}`, got {chosen[series][0]} and {_told(key)}; make one narrower, or "
                "give it a suffix: `Tap(directions, suffix='.other')`"
            )
        chosen[series] = _told(key), tap.quantity(name, parameters[name])

    return [quantity for _, quantity in chosen.values()]


def _pairs(
    taps: Mapping[Chosen, Tapped], parameters: Parameters, *, null: bool | None
) -> Iterator[tuple[Chosen, str, Tap]]:
    for key, value in taps.items():
        given = [as_tap(tap) for tap in (value if isinstance(value, Sequence) else [value])]
        beside = [tap.null() for tap in given if (tap.is_estimated if null is None else null)]
        for name in parameters.matching(key):
            for tap in (*given, *beside):
                yield key, name, tap


def _told(key: Chosen) -> str:
    return f"`{key}`" if isinstance(key, str) else f"the {type(key).__name__} itself"
