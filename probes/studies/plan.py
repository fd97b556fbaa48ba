"""The plan of a study: which runs a recipe asks for, who teaches whom, and which of them train side by side."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.objectives import Update
from probes.learners.optimizers import Optimizer
from probes.learners.recipe_files import AnyRecipe, as_mapping
from probes.learners.recipes import Recipe, Teaching
from probes.learners.streams import seed_of

__all__ = ["Phase", "PlannedRun", "plan"]


@dataclass(frozen=True)
class PlannedRun:
    """One run: what it is, where it starts, and whom it learns from.

    Attributes:
        run_id: Name of its directory: role, variant, number, and a hash of all that its result depends on.
        role: "single", "distilled", "self_distilled" or "average".
        variant: Update of a distilled run, form of a self-distilled one; else empty.
        seeds: Seeds of its initialisation, one a member.
        parents: run_ids of its teachers; empty for a run that learns from labels alone.
        continues: run_id whose final weights it starts from; empty for a fresh start.

    Example:
        >>> PlannedRun("mine-00", "single", "", (7,)).parents
        ()
    """

    run_id: str
    role: str
    variant: str
    seeds: tuple[int, ...]
    parents: tuple[str, ...] = ()
    continues: str = ""


@dataclass(frozen=True)
class Phase:
    """Runs that train side by side, with what they share.

    Attributes:
        name: What a progress display shows.
        runs: The runs.
        steps: Updates T.
        learning_rate: eta.
        teaching: How they are taught; None for runs that learn from labels alone.
        update: Update of (4.3) by which they are taught; empty without a teacher.
        optimizer: How gradients move the weights.

    Example:
        >>> Phase("single", (PlannedRun("mine-00", "single", "", (7,)),), 100, 20.0).teaching is None
        True
    """

    name: str
    runs: tuple[PlannedRun, ...]
    steps: int
    learning_rate: float
    teaching: Teaching | None = None
    update: Update | Literal[""] = ""
    optimizer: Optimizer = Optimizer()  # noqa: RUF009 - frozen

    @property
    def has_forces(self) -> bool:
        """Whether an update is a sum over teacher and labels: what remembers former gradients makes none."""
        return self.teaching is not None and not self.optimizer.slots

    @property
    def checkpoint(self) -> str:
        """Name of the file from which these runs go on when their process was ended."""
        digest = hashlib.sha256(" ".join(run.run_id for run in self.runs).encode()).hexdigest()[:8]

        return self.checkpoints.replace("*", digest)

    @property
    def checkpoints(self) -> str:
        """Pattern of the names of such files, of whichever of its runs."""
        return f"checkpoint-{self.name.replace(' ', '-')}-*.safetensors"


def plan(recipe: AnyRecipe) -> tuple[Phase, ...]:
    """Return the phases of a study in the order they can be trained.

    Args:
        recipe: The study.

    Example:
        >>> from probes.learners.recipe_files import built_in
        >>> [(phase.name, len(phase.runs)) for phase in plan(built_in("tiny"))][:2]
        [('single', 3), ('distilled stopped', 2)]
    """
    if isinstance(recipe, GaussianRecipe):
        return _gaussian(recipe)

    builder = _Builder(recipe)
    singles = builder.singles()
    phases = [singles, *builder.distilled(singles.runs), *builder.self_distilled(singles.runs), builder.average()]

    return tuple(phase for phase in phases if phase.runs)


def _gaussian(recipe: GaussianRecipe) -> tuple[Phase, ...]:
    """Return single networks, and averages of several, which start where the single ones do."""
    runs, training = recipe.runs, recipe.training
    drawn = [seed_of("single", recipe.seed, index) for index in range(max(runs.single, runs.average * runs.members))]
    seeds: dict[str, list[tuple[int, ...]]] = {"single": [(seed,) for seed in drawn[: runs.single]]}
    seeds["average"] = [
        tuple(drawn[number * runs.members : (number + 1) * runs.members]) for number in range(runs.average)
    ]
    values = as_mapping(recipe)
    shared = {name: values[name] for name in ("seed", "data", "network", "training", "measuring")}

    return tuple(
        Phase(
            role,
            tuple(
                PlannedRun(f"{role}-{index:02d}-{_digest([shared, role, own])}", role, "", own)
                for index, own in enumerate(each)
            ),
            training.steps,
            training.learning_rate,
        )
        for role, each in seeds.items()
        if each
    )


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
        runs = [
            self._run("single", "", index, (seed_of("single", self.recipe.seed, index),))
            for index in range(self.recipe.runs.single)
        ]

        return self._phase("single", runs)

    def average(self) -> Phase:
        """The networks whose average is trained start where the single models do."""
        seeds = tuple(seed_of("single", self.recipe.seed, index) for index in range(self.recipe.runs.average))

        return self._phase("average", [self._run("average", "", 0, seeds)] if seeds else [])

    def distilled(self, singles: Sequence[PlannedRun]) -> list[Phase]:
        """Students of the ensemble; every update is trained from the same initialisations."""
        teachers = tuple(run.run_id for run in singles)
        phases = []
        for update in self.recipe.runs.updates:
            runs = [
                self._run(
                    "distilled", update, index, (seed_of("distilled", self.recipe.seed, index),), parents=teachers
                )
                for index in range(self.recipe.runs.distilled)
            ]
            phases.append(self._phase(f"distilled {update}", runs, self.recipe.distilled, update))
        return phases

    def self_distilled(self, singles: Sequence[PlannedRun]) -> list[Phase]:
        """Form A ("continued"): a trained network goes on, matching another. Form B ("fresh"): a new one does."""
        update, count = self.recipe.runs.updates[0], self.recipe.runs.self_distilled
        continued = [
            self._run("self_distilled", "continued", index, own.seeds, parents=(other.run_id,), continues=own.run_id)
            for index, (own, other) in enumerate(_pairs(singles)[:count])
        ]
        fresh = [
            self._run(
                "self_distilled",
                "fresh",
                index,
                (seed_of("fresh", self.recipe.seed, index),),
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

        return Phase(name, tuple(runs), rates.steps, rates.learning_rate, teaching, update, self.recipe.training.rule)

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

        return PlannedRun(name, role, variant, seeds, parents, continues)
