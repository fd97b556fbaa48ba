"""The plan of a study: which runs a recipe asks for, who teaches whom, and which of them train side by side."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Any, Literal

from probes.learners.objectives import Update
from probes.learners.optimizers import Optimizer
from probes.learners.recipes import Recipe, Teaching
from probes.learners.streams import Purpose, seed_of
from probes.studies.phases import Phase, PlannedRun
from probes.studies.tables import as_mapping

__all__ = ["Descent", "plan", "seeds_of"]

_Start = tuple[tuple[int, ...], tuple[str, ...], str]  # seeds, teachers, and whom it continues


@dataclass(frozen=True)
class Descent:
    """How the runs of a phase are trained.

    Attributes:
        learning_rate: eta.
        teaching: How they are taught; None for runs that learn from labels alone.
        update: Update of (4.3) by which they are taught; empty without a teacher.
        optimizer: How gradients move the weights.

    Example:
        >>> Descent(20.0).has_forces
        False
    """

    learning_rate: float
    teaching: Teaching | None = None
    update: Update | Literal[""] = ""
    optimizer: Optimizer = Optimizer()  # noqa: RUF009 - frozen

    @property
    def has_forces(self) -> bool:
        """Whether an update is a sum over teacher and labels: what remembers former gradients makes none."""
        return self.teaching is not None and not self.optimizer.slots


def plan(recipe: Recipe) -> tuple[Phase, ...]:
    """Return the phases of a study in the order they can be trained.

    Args:
        recipe: The study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [(phase.name, len(phase.runs)) for phase in plan(built_in("tiny"))][:2]
        [('single', 3), ('distilled stopped', 2)]
    """
    counts, sections, update = recipe.runs, as_mapping(recipe), recipe.runs.updates[0]

    def runs(role: str, variant: str, starts: Iterable[_Start]) -> list[PlannedRun]:
        return [_run(sections, (role, variant, index), *start) for index, start in enumerate(starts)]

    def seeds(role: Purpose, count: int) -> list[tuple[int, ...]]:
        return [(seed_of(role, recipe.seed, index),) for index in range(count)]

    singles = runs("single", "", [(own, (), "") for own in seeds("single", counts.single)])
    everyone = tuple(run.run_id for run in singles)
    starts = [(own, everyone, "") for own in seeds("distilled", counts.distilled)]  # the same by every update
    students = {form: runs("distilled", form, starts) for form in counts.updates}
    pairs = [(seeds_of(own.seeds), (other.run_id,), own.run_id) for own, other in _pairs(singles)]
    continued = runs("self_distilled", "continued", pairs[: counts.self_distilled])
    teachers = zip(seeds("fresh", counts.self_distilled), cycle(everyone), strict=False)
    fresh = runs("self_distilled", "fresh", [(own, (teacher,), "") for own, teacher in teachers])
    together = tuple(chain.from_iterable(seeds("single", counts.average)))  # they start where the single models do

    phases: list[tuple[str, list[PlannedRun], Teaching | None, Update | Literal[""]]] = [
        ("single", singles, None, ""),
        *((f"distilled {form}", taught, recipe.distilled, form) for form, taught in students.items()),
        ("self-distilled continued", continued, recipe.continued, update),
        ("self-distilled fresh", fresh, recipe.fresh, update),
        ("average", runs("average", "", [(together, (), "")] if together else []), None, ""),
    ]
    return tuple(
        Phase(name, tuple(planned), rates.steps, Descent(rates.learning_rate, teaching, form, recipe.training.rule))
        for name, planned, teaching, form in phases
        for rates in [teaching or recipe.training]
        if planned
    )


def seeds_of(seeds: Mapping[str, int]) -> tuple[int, ...]:
    """Return a run's seeds of initialisation, one a member.

    Example:
        >>> seeds_of({"study": 0, "init-00": 7})
        (7,)
    """
    members = {name: seed for name, seed in seeds.items() if name.startswith("init-")}

    return tuple(members[name] for name in sorted(members, key=lambda name: int(name.removeprefix("init-"))))


def _pairs(singles: Sequence[PlannedRun]) -> list[tuple[PlannedRun, PlannedRun]]:
    """Return every pair once, as the other order has the same union; those first that share no network."""
    count = len(singles)
    distances = range(count // 2, 0, -1)

    return [
        (singles[index], singles[(index + distance) % count])
        for distance in distances
        for index in range(distance if 2 * distance == count else count)
    ]


def _run(
    sections: Mapping[str, Any],
    called: tuple[str, str, int],
    seeds: tuple[int, ...],
    parents: tuple[str, ...],
    continues: str,
) -> PlannedRun:
    """Name a run by all that its result depends on: what a run of another recipe shares, it shares by name."""
    role, variant, index = called
    taught = variant if variant in ("continued", "fresh") else "distilled" if parents else "training"
    chosen = {name: sections[name] for name in ("seed", "data", "noise", "network", "training", taught, "measuring")}
    specification = json.dumps([chosen, role, variant, seeds, parents, continues], sort_keys=True)
    digest = hashlib.sha256(specification.encode()).hexdigest()[:8]
    name = "-".join(filter(None, (role, variant, f"{index:02d}", digest)))

    own = {f"init-{member:02d}": seed for member, seed in enumerate(seeds)}
    return PlannedRun(name, role, variant, own, parents, continues, len(seeds))
