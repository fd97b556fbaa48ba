"""What a user taps a parameter with: directions, and how it is laid out."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.quantities.contract.quantity import Batch, Quantity
from probes.quantities.contract.state import State
from probes.quantities.taps.correlation import batched_inner_products, batched_products_by_feature, inner_products
from probes.quantities.taps.reductions import BatchedReduction, Reduction
from probes.quantities.taps.statistics import STATISTICS, Statistics

__all__ = ["Tap", "as_tap"]

# Random features beside a tap, however many it has itself. Enough to see where chance ends: a strength is a sum over
# units and varies little, and every run adds its own. Beside 2,000 values, at every step of 1 ms of one processor, they
# were measured to add 1 to 2 %.
_RANDOM = 16
_AT_ONCE = 2**15  # values; more than these torch gives to several threads, which then wait for a training's own


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
    def is_null(self) -> bool:
        """Whether the directions are random ones in place of others."""
        return "null_of" in self.directions.facts

    def null(self) -> "Tap":
        """The same tap of random features, of which statistics over units are kept; its series ends in ``.null``.

        The units are all of ``dims``, but of a leading ``class`` axis each class has its own.

        Example:
            >>> Tap(Directions(torch.eye(6)), dims=("class", "neuron"), suffix=".tokens").null().axes
            ('class', 'random', 'statistic')
        """
        first = 1 if self.dims[0:1] == ("class",) and len(self.dims) > 1 else 0
        random = self.directions.random(_RANDOM)

        return replace(
            self,
            directions=random,
            reduction=Statistics(self.dims[first:], random.component),
            labels={**self.labels, "statistic": STATISTICS},
            suffix=f"{self.suffix}.null",
        )

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
        kind = "correlation" if set(self.dims) <= set(self.axes) else "reduced"
        correlation = self.declared(
            name + self.suffix,
            lambda state: self.project(state.parameters[name], name),
            quantity="null" if self.is_null else kind,
            like=parameter,
        )
        return replace(correlation, reads=(name,), batch=self._batch(name))

    def _batch(self, name: str) -> Batch | None:
        if isinstance(self.reduction, BatchedReduction):
            return partial(self._statistics, self.reduction, name=name)
        plain = not (self.split or self.transposed or self.reduction or self.directions.is_identity)
        return partial(self._products, name=name) if plain else None

    def _products(self, parameters: Mapping[str, torch.Tensor], out: torch.Tensor, name: str) -> Callable[[], object]:
        """A function that writes the correlations of a parameter with an axis ``step`` in front."""
        weights = self._rows(parameters[name], name)
        return batched_inner_products(weights, self.directions, out=out.view(*weights.shape[:2], -1))

    def _statistics(
        self, reduction: BatchedReduction, parameters: Mapping[str, torch.Tensor], out: torch.Tensor, name: str
    ) -> Callable[[], object]:
        """A function that writes what a reduction keeps of the correlations, a few steps at a time."""
        weights = parameters[name]
        rows = self._rows(weights, name)
        features = self.directions.shape[:-1]
        count = _part(len(rows), _AT_ONCE // (rows.shape[1] * math.prod(features)))
        dtype = torch.promote_types(rows.dtype, torch.float32)
        room = torch.empty(count, math.prod(features), rows.shape[1], dtype=dtype, device=rows.device)
        lengths = self.laid_out(weights, name, axis=1).shape[1 : 1 + len(self.dims)]
        named = room.view(count, *features, *lengths)
        values = named.movedim(tuple(range(1, 1 + len(features))), tuple(range(-len(features), 0)))
        axes = ("step", *self.dims, *self.directions.names)

        orders: list[Callable[[], object]] = []
        if rows.untyped_storage().data_ptr() != weights.untyped_storage().data_ptr():
            orders.append(lambda: rows.copy_(self._rows(weights, name)))  # a layout that is not that of the memory
        for part, place in zip(rows.split(count), out.split(count), strict=True):
            orders.append(batched_products_by_feature(part, self.directions, out=room))
            orders.append(reduction.batched(place, values, axes))
        return partial(_carry_out, orders)

    def _rows(self, parameters: torch.Tensor, name: str) -> torch.Tensor:
        """Several states of a parameter as rows, ``(step, unit, dim)``."""
        weights = self.laid_out(parameters, name, axis=1)
        return weights.reshape(len(weights), math.prod(weights.shape[1 : 1 + len(self.dims)]), -1)

    def declared(
        self,
        name: str,
        measure: Callable[[State], torch.Tensor],
        *,
        quantity: str = "",
        like: torch.Tensor | None = None,
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
            quantity=quantity,
        )

    def laid_out(self, weight: torch.Tensor, name: str = "weight", *, axis: int = 0) -> torch.Tensor:
        """A parameter with the axes ``dims`` first, or after as many other axes as ``axis`` says.

        Raises:
            UsageError: its first axis cannot be cut into the lengths of ``split``.
        """
        if self.transposed:
            weight = weight.transpose(axis, axis + 1)
        if not self.split:
            return weight
        given = math.prod(length for length in self.split if length > 0)
        length = weight.shape[axis]
        if length % given or (-1 not in self.split and length != given):
            raise UsageError(f"expected a first axis of `{name}` that can be cut into {self.split}, got {length}")
        cut: torch.Tensor = weight.unflatten(axis, self.split)
        return cut


def _carry_out(orders: Iterable[Callable[[], object]]) -> None:
    for order in orders:
        order()


def _part(steps: int, most: int) -> int:
    """The largest number of steps, ``most`` or else 1, that all of them can be cut into."""
    return max(count for count in range(1, steps + 1) if steps % count == 0 and count <= max(1, most))


def as_tap(value: Directions | Tap, *, dims: tuple[str, ...] = ("neuron",)) -> Tap:
    """The tap as it is; bare directions as a tap with ``dims``.

    Example:
        >>> as_tap(Directions(torch.eye(4))).dims
        ('neuron',)
    """
    return value if isinstance(value, Tap) else Tap(value, dims)
