"""A kind of study in fifty lines: numbers that grow by a spread at every step, with teachers and a resumable state."""

from dataclasses import dataclass

import numpy as np
import torch

from probes.directions import Directions
from probes.log.outputs import Outputs, write_outputs
from probes.quantities import Tap
from probes.studies.experiment import RunSize
from probes.studies.phases import Phase, PlannedRun


@dataclass(frozen=True)
class Blobs:
    kind: str = "blobs"
    spread: float = 1.0


@dataclass(frozen=True)
class Numbers:
    single: int = 2


@dataclass(frozen=True)
class BlobRecipe:
    name: str = "blobs"
    seed: int = 0
    data: Blobs = Blobs()
    runs: Numbers = Numbers()
    steps: int = 6
    diverges_at: int = 100


class BlobStudy:
    recipe_type, has_own_class = BlobRecipe, False

    def __init__(self, recipe):
        self.recipe, self.work = recipe, float(recipe.steps)
        names = [f"single-{index:02d}-{hash(recipe) % 10**6:06d}" for index in range(recipe.runs.single)]
        singles = tuple(PlannedRun(name, "single", seeds={"init": place}) for place, name in enumerate(names))
        student = PlannedRun(f"student-{hash(recipe) % 10**6:06d}", "student", "ensemble", {"init": 9}, tuple(names))
        self.phases = Phase("single", singles, recipe.steps), Phase("taught", (student,), recipe.steps)

    def train(self, group):
        weights = group.checkpoint.state["weights"] if group.checkpoint else self.start(group)
        runs = list(range(len(group.runs)))
        with group.recorded({"first.weight": Tap(Directions(torch.eye(3)), ("neuron",))}):
            for step in range(group.first, group.phase.steps + 1):
                if step == self.recipe.diverges_at and 0 in runs:
                    weights, runs = weights[1:], runs[1:]
                group.step(step, {"first.weight": weights}, {"loss": weights.square().mean((1, 2))}, runs)
                weights = weights + self.recipe.data.spread
                group.between(step + 1, lambda places, now=weights: {"weights": now[places]}, runs)
            with group.storing():
                for run in group.survivors():
                    write_outputs(group.paths[run], Outputs("test", group.phase.steps, np.eye(3), np.arange(3)))

    def start(self, group):
        """A run begins with the seed of its initialisation, and with the number of its teachers."""
        first = [run.seeds["init"] + len(group.teachers(run)) for run in group.runs]
        return torch.tensor(first, dtype=torch.float32)[:, None, None].expand(-1, 4, 3)

    def evaluate(self, log):
        write_outputs(log.path, Outputs("again", 0, np.eye(3), np.arange(3)))

    def size(self, phase, *, own_class):
        return RunSize(values=12, weights=48, outputs=36)

    def seconds(self):
        return [0.1 * phase.steps for phase in self.phases]
