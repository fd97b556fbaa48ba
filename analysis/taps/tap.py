"""How a recorded series is read as features: which of its axes are units, and which are features.

A tap's axes in a log are ``(step, *unit axes, *feature axes)``. Unit axes say what has a weight vector: ``(neuron,)``,
``(head, neuron)``, ``(class, neuron)``; feature axes are those of the directions, under the names a user gave them. A
component axis of the directions spans one feature, as sine and cosine do a frequency: what counts is the norm along it.

In an *own-class* tap the first unit axis is ``class`` and the first feature axis ``feature_class``, of one length: a
class's neurons are then asked for the class's own features, and those of the other classes are their null. In every
other tap all units are asked for all features.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.taps.axis_columns import column
from probes.errors import LogError, NotRecordedError
from probes.log.layout import Series
from probes.log.protocol import LogLike
from probes.log.stored_directions import StoredDirections

__all__ = ["CORRELATION", "Tap", "called", "may_be_tap", "tap_of", "taps_of"]

CORRELATION, REDUCED = "correlation", "reduced"  # the quantities of series that are taps, whole ones first

# Axes by which a series shows its features where no directions are stored with it.
_FEATURE_AXES = ("feature_class", "feature", "view")
# What the names of other series than taps have in them, in logs older than the quantity of a series.
_OTHERS = re.compile(r".\.(null|cosine|gradient|update)(\.|$)|^forces$")
# Directions beyond which their cosines are not computed: as many again take four times as long.
_MOST_COSINES = 4096
# The axis of a series that holds several statistics of each feature, which is a null and no tap.
_STATISTIC = "statistic"


@dataclass(frozen=True, eq=False)
class Tap:
    """One tap of a run.

    Attributes:
        name: The series.
        units: The unit axes, such as ``("neuron",)``; none where the recording has reduced them all.
        unit_shape: Their lengths.
        axes: The feature axes, without a component axis.
        shape: Their lengths.
        own_class: Whether classes are asked for their own features alone.
        component: The axis that spans one feature, "" where there is none.
        components: Its length, 1 where there is none.
        component_axis: Its place among the axes of the directions, counted as Python counts; the last.
        labels: For unit and feature axes, what their entries are called.
        directions: The directions as stored with the run; None where none are.

    Example:
        >>> Tap("w", ("neuron",), (6,), ("frequency",), (4,), component="phase", components=2).columns
        ('frequency',)
    """

    name: str
    units: tuple[str, ...]
    unit_shape: tuple[int, ...]
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    own_class: bool = False
    component: str = ""
    components: int = 1
    component_axis: int = -1
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    directions: StoredDirections | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that name a feature in tables; in an own-class tap the first is ``class``."""
        return ("class", *self.axis_columns[1:]) if self.own_class else self.axis_columns

    @property
    def axis_columns(self) -> tuple[str, ...]:
        """The columns that name a feature beside a unit: the feature axes, apart from what tables call otherwise."""
        return tuple(map(column, self.axes))

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """The columns that name a unit: the unit axes, likewise, but `neuron` is one of them."""
        return tuple(name if name == "neuron" else column(name) for name in self.units)

    @property
    def features(self) -> int:
        """The number of features."""
        return math.prod(self.shape)

    @property
    def alternatives(self) -> int:
        """How many features differ in the last feature axis only, as the views of a class; 1 with one axis."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    @property
    def own_shape(self) -> tuple[int, int, int, int]:
        """What a row of an own-class tap is read as: ``(class, neuron, feature_class, alternative)``."""
        return self.shape[0], math.prod(self.unit_shape[1:]), self.shape[0], math.prod(self.shape[1:])

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that name a set of alternatives; none where there are no alternatives."""
        return self.columns[:-1] if self.alternatives > 1 else ()

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per feature, in the order of the log, with its label or number on every feature axis."""
        numbers = np.indices(self.shape).reshape(len(self.shape), -1)
        entries = (self._entries(axis, numbers[place]) for place, axis in enumerate(self.axes))

        return pd.DataFrame(dict(zip(self.columns, entries, strict=True)))

    @cached_property
    def unit_index(self) -> pd.DataFrame:
        """One row per unit, in the order of the log, with its label or number on every unit axis."""
        numbers = np.indices(self.unit_shape).reshape(len(self.units), math.prod(self.unit_shape))

        entries = (self._entries(axis, numbers[place]) for place, axis in enumerate(self.units))

        return pd.DataFrame(dict(zip(self.unit_columns, entries, strict=True)))

    @cached_property
    def norms(self) -> NDArray[np.float64]:
        """The norm of every feature's direction, ``(feature,)``; of components the root of their mean square."""
        if self.directions is None:
            return np.ones(self.features)

        return np.asarray(np.sqrt(np.square(self.vectors).sum(axis=2).mean(axis=1)))

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """The directions, ``(feature, component, dim)``.

        Raises:
            LogError: none are stored with the run.
        """
        if self.directions is None:
            raise LogError(f"expected directions stored with `{self.name}`, got none; record it by a tap")
        vectors = np.asarray(self.directions.vectors, dtype=float)
        vectors = np.moveaxis(vectors, self.component_place, -2) if self.component else vectors[..., None, :]

        return vectors.reshape(self.features, self.components, vectors.shape[-1])

    @cached_property
    def span(self) -> int:
        """The number of dimensions that the directions span."""
        return int(np.linalg.matrix_rank(self.vectors.reshape(-1, self.vectors.shape[-1])))

    @cached_property
    def inverse(self) -> NDArray[np.float64]:
        """The pseudo-inverse of all directions, ``(dim, feature and component)``: from correlations to the span."""
        return np.asarray(np.linalg.pinv(self.vectors.reshape(-1, self.vectors.shape[-1])))

    @cached_property
    def overlap(self) -> float:
        """The largest absolute cosine between directions of different features; NaN where it is not known."""
        if self.directions is None or not 1 < self.features * self.components <= _MOST_COSINES:
            return math.nan
        norms = np.linalg.norm(self.vectors, axis=2, keepdims=True)
        unit = np.divide(self.vectors, norms, out=np.zeros_like(self.vectors), where=norms > 0)
        flat = unit.reshape(-1, unit.shape[-1])
        cosines = np.abs(flat @ flat.T)
        of_feature = np.repeat(np.arange(self.features), self.components)

        return float(cosines[of_feature[:, None] != of_feature].max(initial=0.0))

    def same_features(self, other: "Tap") -> bool:
        """Whether another run's tap has the same features: axes, labels and directions; units may differ in number."""
        return self is other or self.identity == other.identity

    def sizes(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return values of the series with units and features flattened, and the norm taken along a component axis.

        Args:
            values: ``(step, *dims)``, dims as in the log.

        Returns:
            ``(step, unit, feature)``; of an own-class tap ``(step, class, neuron, feature_class, alternative)``.
        """
        if self.component:
            values = np.sqrt(np.square(values).sum(axis=1 + len(self.units) + self.component_place))
        if self.own_class:
            return values.reshape(len(values), *self.own_shape)

        return values.reshape(len(values), math.prod(self.unit_shape), self.features)

    @property
    def component_place(self) -> int:
        """The place of the component axis among the axes of the directions, from 0."""
        return range(len(self.axes) + 1)[self.component_axis]

    @cached_property
    def identity(self) -> tuple[object, ...]:
        """What the features of two runs are the same by."""
        labels = tuple(self.labels.get(axis, ()) for axis in self.axes)
        stored = self.directions.sha256 if self.directions else ""

        return self.axes, self.shape, self.own_class, self.component, labels, stored

    def _entries(
        self, axis: str, numbers: NDArray[np.integer[Any]]
    ) -> "NDArray[np.integer[Any]] | pd.Categorical[str]":
        names = self.labels.get(axis, ())
        if not names or len({*names}) < len(names):
            return numbers

        return pd.Categorical.from_codes(numbers, categories=pd.Index(names))


def called(index: pd.DataFrame) -> list[str]:
    """Return what each row of labels is called: its entries as text, with commas between them.

    Example:
        >>> called(pd.DataFrame({"head": [0, 1], "token": ["a", "b"]}))
        ['0, a', '1, b']
    """
    return [", ".join(map(str, row)) for row in index.itertuples(index=False)]


def taps_of(log: LogLike) -> dict[str, Tap]:
    """Return the taps of a run by the name of their series.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> tap = taps_of(example_study()[0])["correlations"]
        >>> tap.own_class, tap.columns, tap.alternatives
        (True, ('class', 'view'), 2)
    """
    known = sorted((one for one in log.series.values() if may_be_tap(one)), key=lambda one: one.quantity == REDUCED)
    found = {series.name: tap_of(log, series) for series in known}

    return {name: tap for name, tap in found.items() if tap is not None}


def tap_of(log: LogLike, series: Series) -> Tap | None:
    """Return a series read as a tap, whatever its quantity; None where it cannot be read so.

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("w", ("neuron", "feature"), (2, 3))
        >>> tap_of(memory_log(Manifest("a", (series,)), [], {"w": np.zeros((0, 2, 3))}), series).units
        ('neuron',)
    """
    try:
        stored = log.directions(series.name)
    except NotRecordedError:
        stored = None
    names = stored.names if stored else _FEATURE_AXES
    component = stored.component if stored else ""
    places = [place for place, dim in enumerate(series.dims) if dim in names]
    axes = [place for place in places if series.dims[place] != component]
    units = [place for place in range(len(series.dims)) if place not in places]
    if not axes or _STATISTIC in series.dims or units != list(range(len(units))):
        return None

    lengths = dict(zip(series.dims, series.shape, strict=True))
    return Tap(
        series.name,
        tuple(series.dims[place] for place in units),
        tuple(series.shape[place] for place in units),
        tuple(series.dims[place] for place in axes),
        tuple(series.shape[place] for place in axes),
        own_class=_is_own_class(series, axes[0]) if units else False,
        component=component if component in lengths else "",
        components=lengths.get(component, 1),
        component_axis=series.dims.index(component) - len(units) if component in lengths else -1,
        labels=dict(series.labels),
        directions=_fitting(stored, [(series.dims[place], series.shape[place]) for place in places]),
    )


def may_be_tap(series: Series) -> bool:
    """Return whether a series is of the kind of a tap, and no null or other quantity of one.

    Example:
        >>> may_be_tap(Series("w", ("neuron", "feature"), (2, 3), quantity="cosine"))
        False
    """
    return series.quantity in {CORRELATION, REDUCED} if series.quantity else not _OTHERS.search(series.name)


def _is_own_class(series: Series, first: int) -> bool:
    """Whether units and features both begin with classes, as many."""
    return (series.dims[0], series.dims[first], series.shape[first]) == ("class", "feature_class", series.shape[0])


def _fitting(stored: StoredDirections | None, axes: Sequence[tuple[str, int]]) -> StoredDirections | None:
    """Return the directions where they are those of the axes; a reduction may have left some of them out."""
    if stored is None:
        return None
    whole = list(zip(stored.names, stored.vectors.shape, strict=False))

    return stored if whole == list(axes) else None
