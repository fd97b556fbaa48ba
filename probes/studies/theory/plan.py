"""The plan of a study: which runs a recipe asks for, who teaches whom, and which of them train side by side."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from probes.learners.objectives import Update
from probes.learners.optimizers import Optimizer
from probes.learners.recipes import MOST_RUNS, Recipe, Teaching
from probes.studies.phases import Phase, PlannedRun
from probes.studies.tables import as_mapping

__all__ = ["Descent", "plan", "seeds_of"]

# Room between the seeds of one study's roles, and between studies: no two runs of neighbouring seeds share one.
ROLE_STRIDE, STUDY_STRIDE = MOST_RUNS, 10_000


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
    builder = _Builder(recipe)
    singles = builder.singles()
    phases = [singles, *builder.distilled(singles.runs), *builder.self_distilled(singles.runs), builder.average()]

    return tuple(phase for phase in phases if phase.runs)


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


def _digest(specification: object) -> str:
    return hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()[:8]


class _Builder:
    """Names and seeds of one recipe's runs."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.sections = as_mapping(recipe)

    def singles(self) -> Phase:
        runs = [self._run("single", "", index, (self._seed(0, index),)) for index in range(self.recipe.runs.single)]

        return self._phase("single", runs)

    def average(self) -> Phase:
        """The networks whose average is trained start where the single models do."""
        seeds = tuple(self._seed(0, index) for index in range(self.recipe.runs.average))

        return self._phase("average", [self._run("average", "", 0, seeds)] if seeds else [])

    def distilled(self, singles: Sequence[PlannedRun]) -> list[Phase]:
        """Students of the ensemble; every update is trained from the same initialisations."""
        teachers = tuple(run.run_id for run in singles)
        phases = []
        for update in self.recipe.runs.updates:
            runs = [
                self._run("distilled", update, index, (self._seed(1, index),), parents=teachers)
                for index in range(self.recipe.runs.distilled)
            ]
            phases.append(self._phase(f"distilled {update}", runs, self.recipe.distilled, update))
        return phases

    def self_distilled(self, singles: Sequence[PlannedRun]) -> list[Phase]:
        """Form A ("continued"): a trained network goes on, matching another. Form B ("fresh"): a new one does."""
        update, count = self.recipe.runs.updates[0], self.recipe.runs.self_distilled
        continued = [
            self._run(
                "self_distilled", "continued", index, seeds_of(own.seeds), parents=(other.run_id,), continues=own.run_id
            )
            for index, (own, other) in enumerate(_pairs(singles)[:count])
        ]
        fresh = [
            self._run(
                "self_distilled",
                "fresh",
                index,
                (self._seed(2, index),),
                parents=(singles[index % len(singles)].run_id,),
            )
            for index in range(count)
        ]

        return [
            self._phase("self-distilled continued", continued, self.recipe.continued, update),
            self._phase("self-distilled fresh", fresh, self.recipe.fresh, update),
        ]

    def _phase(
        self, name: str, runs: Sequence[PlannedRun], teaching: Teaching | None = None, update: Update | Literal[""] = ""
    ) -> Phase:
        rates = teaching or self.recipe.training

        descent = Descent(rates.learning_rate, teaching, update, self.recipe.training.rule)

        return Phase(name, tuple(runs), rates.steps, descent)

    def _run(
        self,
        role: str,
        variant: str,
        index: int,
        seeds: tuple[int, ...],
        *,
        parents: tuple[str, ...] = (),
        continues: str = "",
    ) -> PlannedRun:
        """Name a run by all that its result depends on: what a run of another recipe shares, it shares by name."""
        taught = {"continued": "continued", "fresh": "fresh"}.get(variant, "distilled" if parents else "training")
        sections = ["seed", "data", "noise", "network", "training", taught, "measuring"]
        specification = [{name: self.sections[name] for name in sections}, role, variant, seeds, parents, continues]
        name = "-".join(part for part in (role, variant, f"{index:02d}", _digest(specification)) if part)

        own = {f"init-{member:02d}": seed for member, seed in enumerate(seeds)}
        return PlannedRun(name, role, variant, own, parents, continues, len(seeds))

    def _seed(self, role: int, index: int) -> int:
        return STUDY_STRIDE * self.recipe.seed + ROLE_STRIDE * role + index
