"""Sweeps: one study for every combination of some recipe values and seeds, each named by its specification."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probes.schedules import Schedule, every
from probes.studies.experiment import AnyRecipe
from probes.studies.recipe_files import override
from probes.studies.tables import as_mapping

__all__ = ["DEFAULT_SCHEDULE", "Point", "Sweep", "changed", "over_seeds", "points_of"]

DEFAULT_SCHEDULE = every(50)
_DIGITS = 12  # of a point's name: a million points share none


@dataclass(frozen=True)
class Point:
    """One study of a sweep.

    Attributes:
        name: Name of its folder, a hash of recipe, schedule, and of what is recorded and kept; the seed before it where
            the sweep varies nothing else.
        values: Recipe key to value, as far as the sweep varies it.
        recipe: The study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> Point("0123456789ab", {"network.q": 4}, built_in("tiny")).label
        'network.q=4 seed=0'
    """

    name: str
    values: Mapping[str, Any]
    recipe: AnyRecipe

    @property
    def label(self) -> str:
        """What people read of it."""
        told = [f"{key}={json.dumps(value)}" for key, value in self.values.items()]
        return " ".join([*told, f"seed={self.recipe.seed}"])


@dataclass(frozen=True)
class Sweep:
    """Studies that differ in some values of their recipe, and what is kept of each.

    Attributes:
        name: What it is called.
        points: The studies, each once.
        schedule: Which steps are recorded, beside the first and the last.
        weights: Whether the weights of finished studies are kept.
        own_class: Whether of the correlations only those of a class with its own features are recorded.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> Sweep("exponents", points_of(built_in("tiny"), [{"network.q": 3}, {"network.q": 4}], [0, 1])).keys
        ('network.q',)
    """

    name: str
    points: tuple[Point, ...]
    schedule: Schedule = DEFAULT_SCHEDULE
    weights: bool = False
    own_class: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The recipe keys that the sweep varies."""
        return tuple(dict.fromkeys(key for point in self.points for key in point.values))


def points_of(
    base: AnyRecipe,
    choices: Iterable[Mapping[str, Any]],
    seeds: Sequence[int],
    *,
    schedule: Schedule = DEFAULT_SCHEDULE,
    weights: bool = False,
    own_class: bool = False,
) -> tuple[Point, ...]:
    """Return the points of every choice of values with every seed; those of the same specification once.

    Args:
        base: The recipe that every point starts from.
        choices: Recipe key to value, of each choice.
        seeds: Seeds of the studies.
        schedule: Which steps are recorded.
        weights: Whether the weights of finished studies are kept.
        own_class: Whether of the correlations only those of a class with its own features are recorded.

    Raises:
        ValueError: If a key is unknown or a value impossible; the text names the choice.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [point.label for point in points_of(built_in("tiny"), [{"network.q": 4}], [0, 1])]
        ['network.q=4 seed=0', 'network.q=4 seed=1']
    """
    found: dict[str, Point] = {}
    for choice in choices:
        recipe = _chosen(base, choice)
        for seed in seeds:
            seeded = replace(recipe, seed=seed)
            name = _name(seeded, schedule, weights=weights, own_class=own_class)
            folder = name if choice else f"seed-{seed}-{name}"
            found.setdefault(name, Point(folder, choice, seeded))
    return tuple(found.values())


def over_seeds(recipe: AnyRecipe, seeds: Sequence[int], *, schedule: Schedule) -> Sweep:
    """Return the sweep that varies the seed alone: whole studies, with their weights, as one of them is recorded.

    Args:
        recipe: The study.
        seeds: Its seeds.
        schedule: Which steps are recorded.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [point.label for point in over_seeds(built_in("tiny"), range(2), schedule=every(1)).points]
        ['seed=0', 'seed=1']
    """
    points = points_of(recipe, [{}], seeds, schedule=schedule, weights=True)

    return Sweep(recipe.name, points, schedule, weights=True)


def changed(recipe: AnyRecipe, values: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe with plain values in place of some of its own.

    Raises:
        ValueError: If a key is unknown or a value impossible.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> changed(built_in("tiny"), {"data.own": [1.0, 1.5]}).data.own
        (1.0, 1.5)
    """
    return override(recipe, {key: json.dumps(value) for key, value in values.items()})  # JSON's values are TOML's


def _chosen(base: AnyRecipe, choice: Mapping[str, Any]) -> AnyRecipe:
    try:
        return changed(base, choice)
    except ValueError as error:
        told = ", ".join(f"{key} = {json.dumps(value)}" for key, value in choice.items())
        raise ValueError(f"{error} (at {told})") from error


def _name(recipe: AnyRecipe, schedule: Schedule, *, weights: bool, own_class: bool) -> str:
    """Return a hash of all that a point's folder depends on; what a recipe is called is nothing of it."""
    specification = {**as_mapping(recipe), "name": "", "schedule": str(schedule), "weights": weights}
    specification |= {"taps": "own_class"} if own_class else {}  # names of points that record all are older than it

    return hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()[:_DIGITS]
