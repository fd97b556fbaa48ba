"""How a recorded series is read as features: which of its axes are units, and which are features.

A tap's axes in a log are ``(step, *unit axes, *feature axes)``. Unit axes say what has a weight vector: ``(neuron,)``,
``(head, neuron)``, ``(class, neuron)``; feature axes are those of the directions, under the names a user gave them. A
component axis of the directions spans one feature, as sine and cosine do a frequency: what counts is the norm along it.

In an *own-class* tap the first unit axis is ``class`` and the first feature axis ``feature_class``, of one length: a
class's neurons are then asked for the class's own features, and those of the other classes are their null. In every
other tap all units are asked for all features.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.errors import LogError
from probes.logs.directions import StoredDirections
from probes.logs.layout import Series
from probes.logs.protocol import LogLike

__all__ = ["CORRELATION", "Tap", "called", "different_directions", "taps_of"]

CORRELATION, REDUCED = "correlation", "reduced"  # the quantities of series that are taps, whole ones first

# Axes by which a series shows its features where no directions are stored with it.
_FEATURE_AXES = ("feature_class", "feature", "view")
# What stands at the end of the names of other series than taps, in logs older than the quantity of a series.
_OTHERS = (".null", ".cosine", ".gradient")
# Directions beyond which their cosines are not computed: as many again take four times as long.
_MOST_COSINES = 4096
# Columns that a table of features has beside the axes.
_RESERVED = frozenset({"run", "role", "variant", "step", "strength", "peak", "neuron", "null", "null_peak", "learned"})


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
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    directions: StoredDirections | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that name a feature in tables; in an own-class tap the first is ``class``."""
        names = ("class", *self.axes[1:]) if self.own_class else self.axes

        return tuple(f"{name}_axis" if name in _RESERVED else name for name in names)

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
        numbers = np.indices(self.unit_shape).reshape(len(self.units), -1)

        return pd.DataFrame({axis: self._entries(axis, numbers[place]) for place, axis in enumerate(self.units)})

    @cached_property
    def norms(self) -> NDArray[np.float64]:
        """The norm of every feature's direction, ``(feature,)``; of components the root of their mean square."""
        if self.directions is None:
            return np.ones(self.features)

        return np.sqrt(np.square(self.vectors).sum(axis=2).mean(axis=1))

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
    def overlap(self) -> float:
        """The largest absolute cosine between directions of different features; NaN where it is not known."""
        if self.directions is None or not 1 < self.features * self.components <= _MOST_COSINES:
            return math.nan
        unit = self.vectors / np.linalg.norm(self.vectors, axis=2, keepdims=True)
        flat = unit.reshape(-1, unit.shape[-1])
        cosines = np.abs(flat @ flat.T)
        of_feature = np.repeat(np.arange(self.features), self.components)

        return float(cosines[of_feature[:, None] != of_feature].max(initial=0.0))

    def same_features(self, other: "Tap") -> bool:
        """Whether another run's tap has the same features: axes, labels and directions; units may differ in number."""
        same = (self.axes, self.shape, self.own_class, self.component) == (
            other.axes,
            other.shape,
            other.own_class,
            other.component,
        )
        ours, theirs = self.directions, other.directions

        return same and ((ours is None and theirs is None) or bool(ours and theirs and ours.sha256 == theirs.sha256))

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
        """The place of the component axis among the axes of the directions, which have it."""
        return self.directions.names.index(self.component) if self.directions else len(self.axes)

    def _entries(self, axis: str, numbers: NDArray[np.integer]) -> "NDArray[np.integer] | pd.Categorical[str]":
        names = self.labels.get(axis, ())
        if not names:
            return numbers
        return pd.Categorical.from_codes(numbers, categories=list(names)) if len({*names}) == len(names) else numbers


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
    known = sorted((one for one in log.series.values() if _may_be_tap(one)), key=lambda one: one.quantity == REDUCED)
    found = {series.name: _tap(log, series) for series in known}

    return {name: tap for name, tap in found.items() if tap is not None}


def different_directions(name: str, first: str, second: str, known: Tap, other: Tap) -> str:
    """Return what is wrong with two runs that have recorded different features under one name."""
    described = [
        f"({', '.join(f'{axis}={length}' for axis, length in zip(tap.axes, tap.shape, strict=True))}) of hash "
        f"{tap.directions.sha256[:8] if tap.directions else 'unknown'}"
        for tap in (known, other)
    ]
    return (
        f"expected the same directions for `{name}` in all runs, got {described[0]} in run `{first}` and "
        f"{described[1]} in run `{second}`; analyse the runs of each by themselves"
    )


def _may_be_tap(series: Series) -> bool:
    return series.quantity in {CORRELATION, REDUCED} if series.quantity else not series.name.endswith(_OTHERS)


def _tap(log: LogLike, series: Series) -> Tap | None:
    """Return the series as a tap; None where no axis of it is one of its directions."""
    try:
        stored = log.directions(series.name)
    except LogError:
        stored = None
    names = stored.names if stored else _FEATURE_AXES
    if stored is None and series.name == "forces":  # an older log's, which has features but is no weight
        return None
    component = stored.component if stored else ""
    feature = [place for place, dim in enumerate(series.dims) if dim in names]
    axes = [place for place in feature if series.dims[place] != component]
    if not axes:
        return None

    units = [place for place in range(len(series.dims)) if place not in feature]
    shown = {place: (series.dims[place], series.shape[place]) for place in range(len(series.dims))}
    own_class = (
        bool(units)
        and shown[units[0]][0] == "class"
        and shown[axes[0]][0] == "feature_class"
        and shown[units[0]][1] == shown[axes[0]][1]
    )
    return Tap(
        series.name,
        tuple(shown[place][0] for place in units),
        tuple(shown[place][1] for place in units),
        tuple(shown[place][0] for place in axes),
        tuple(shown[place][1] for place in axes),
        own_class=own_class,
        component=component,
        components=next((shown[place][1] for place in feature if place not in axes), 1),
        labels=dict(series.labels),
        directions=_fitting(stored, [shown[place] for place in feature]),
    )


def _fitting(stored: StoredDirections | None, axes: Sequence[tuple[str, int]]) -> StoredDirections | None:
    """Return the directions where they are those of the axes; a reduction may have left some of them out."""
    if stored is None:
        return None
    whole = list(zip(stored.names, stored.vectors.shape, strict=False))

    return stored if whole == list(axes) else None
