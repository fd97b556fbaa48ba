"""Studies of the theory: multi-view data and patch networks, taught by each other, as a kind of study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from probes.learners.ensembles import ensemble
from probes.learners.networks import Networks
from probes.learners.objectives import CrossEntropy, Distillation, Objective
from probes.learners.optimizers import Moments
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.log.manifest import read_manifest
from probes.log.reader import Log
from probes.studies.experiment import RunSize
from probes.studies.group import Group
from probes.studies.phases import Phase
from probes.studies.theory.evaluate import Monitor, evaluate_networks
from probes.studies.theory.material import Material, load_networks, save_networks
from probes.studies.theory.pace import phase_seconds
from probes.studies.theory.plan import Descent, plan, seeds_of
from probes.studies.theory.series import TERMS, forces, looked_at, taps

__all__ = ["TheoryStudy"]

_MOMENTS = "moments."  # names of what the optimizer remembers begin with it
_FLOAT = 4


class TheoryStudy:
    """Data, networks and phases of a recipe of the theory.

    Args:
        recipe: The study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> [phase.name for phase in TheoryStudy(built_in("tiny")).phases][:2]
        ['single', 'distilled stopped']
    """

    recipe_type: ClassVar[type] = Recipe
    has_own_class: ClassVar[bool] = True

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.material = Material(recipe)
        self.phases = plan(recipe)

    @property
    def work(self) -> float:
        """Updates of noise state: runs x steps x samples x patches x classes x neurons."""
        recipe = self.recipe
        updates = sum(phase.steps * sum(run.networks for run in phase.runs) for phase in self.phases)
        size = recipe.training.samples * recipe.data.patches * recipe.data.classes * recipe.network.neurons

        return float(updates * size)

    def train(self, group: Group) -> None:
        """Train, record and measure a group."""
        descent: Descent = group.phase.training
        features, (start, moments) = self.material.features, self._start(group)
        monitor = Monitor(start, self.material)

        def on_step(state: State) -> None:
            looks = state.step % monitor.every == 0 or state.step == group.phase.steps
            scalars = {**state.scalars, **monitor(state)} if looks else state.scalars
            group.step(state.step, looked_at(state), scalars, state.runs)

        def on_update(following: int, runs: tuple[int, ...], networks: Networks, moments: Moments) -> None:
            group.between(following, lambda places: _state(networks.select(places), moments, places), runs)

        with group.recorded(
            taps(features, own_class=group.options.own_class),
            quantities=[forces(features)] if descent.has_forces else [],
        ):
            networks, survivors = train(
                start,
                self.material.training_inputs,
                self._objective(group),
                steps=group.phase.steps,
                learning_rate=descent.learning_rate,
                optimizer=descent.optimizer,
                first=group.first,
                moments=moments,
                moves=descent.has_forces,
                on_step=on_step,
                on_update=on_update,
            )
            paths = [group.paths[run] for run in group.survivors(survivors)]
            with group.storing():
                save_networks(networks, paths)
                evaluate_networks(networks, self.material, paths, step=group.phase.steps)

    def evaluate(self, log: Log) -> None:
        """Measure a run again on the training set and fixed test sets."""
        networks = load_networks(self.material, [log.path], [seeds_of(log.manifest.seeds)])

        evaluate_networks(networks, self.material, [log.path], step=int(log.steps[-1]))

    def size(self, phase: Phase, *, own_class: bool) -> RunSize:
        """Return what one run of a phase takes, from its recipe alone."""
        recipe, members, classes = self.recipe, phase.runs[0].networks, self.recipe.data.classes
        headed = recipe.network.kind == "random_features"  # a class has the neurons of all, and remembers no noise
        units = recipe.network.neurons * members * (classes if headed else 1)
        noise = recipe.data.multi_view(1, seed=0).noise
        private = recipe.noise.form == "private" and bool(noise.any()) and not headed
        remembered = recipe.training.samples * noise.shape[1] if private else 0
        views, dim = self.material.features.shape[1:]
        seen = classes * views  # features of which a neuron's correlations are recorded; their null is a class's
        forces = len(TERMS) * seen if phase.training.has_forces else 0

        return RunSize(
            classes * units * (views if own_class else seen) + classes * seen + forces,
            weights=_FLOAT * classes * units * (dim + remembered),
            outputs=_FLOAT * classes * (recipe.training.samples + 2 * recipe.measuring.test_samples),
        )

    def seconds(self) -> Sequence[float]:
        """Return how long each phase takes, from a few of its steps."""
        return phase_seconds(self.material, self.phases)

    def _start(self, group: Group) -> tuple[Networks, Moments | None]:
        """The networks as their runs go on, with the optimizer's moments, or begin: fresh, or as another run ended."""
        seeds = [seeds_of(run.seeds) for run in group.runs]
        if group.checkpoint is not None:
            state = group.checkpoint.state
            moments = {name.removeprefix(_MOMENTS): part for name, part in state.items() if name.startswith(_MOMENTS)}
            return self.material.networks(state["weights"], state.get("memory"), seeds), moments
        if not group.runs[0].continues:
            return self.material.initialise(seeds), None
        return load_networks(self.material, [group.root / run.continues for run in group.runs], seeds), None

    def _objective(self, group: Group) -> Objective:
        teaching, update = group.phase.training.teaching, group.phase.training.update
        if teaching is None or update == "":
            return CrossEntropy()

        known: dict[tuple[Path, ...], Tensor] = {}
        teachers = [tuple(group.teachers(run)) for run in group.runs]
        for paths in teachers:
            if paths not in known:
                known[paths] = ensemble(self._outputs(paths), scale=teaching.teacher_scale)
        targets = torch.stack([known[paths] for paths in teachers], 1)

        return Distillation(targets, teaching.temperature, teaching.rate_ratio, update)

    def _outputs(self, paths: Sequence[Path]) -> Tensor:
        """Outputs of finished runs on the training set, ``(run, sample, class)``."""
        networks = load_networks(self.material, paths, [seeds_of(read_manifest(path).seeds) for path in paths])

        return networks.training_outputs(self.material.training_inputs)


def _state(networks: Networks, moments: Moments, places: Sequence[int]) -> Mapping[str, Tensor]:
    """Return what some runs are resumed from.

    ``weights`` is ``(dim, run, class, neuron)``; ``memory``, where noise is private, ``(sample, patch, run, class,
    neuron)``; what the optimizer remembers ``(..., run, class, neuron)``.
    """
    kept = {"weights": networks.weights} | ({} if networks.memory is None else {"memory": networks.memory})

    return kept | {f"{_MOMENTS}{name}": values[..., list(places), :, :] for name, values in moments.items()}
