"""How long a study takes on this machine: measured on a few steps of it, not guessed."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch

from probes.learners.compiled import worth_compiling
from probes.learners.networks import NOISE_CHUNK, Networks
from probes.learners.objectives import CrossEntropy, Distillation, Objective
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.studies.phases import Phase
from probes.studies.theory.evaluate import Monitor, evaluate_networks
from probes.studies.theory.material import Material
from probes.studies.theory.plan import seeds_of
from probes.studies.theory.series import looked_at
from probes.studies.theory.trial import trial_recorder

__all__ = ["phase_seconds"]

_MOST_STEPS, _MOST_SECONDS = 40, 1.0  # of training, a phase


def phase_seconds(material: Material, phases: Sequence[Phase]) -> tuple[float, ...]:
    """Return how long each phase of a study takes on this machine as it is now; an estimate.

    For each size of network that the phases have, compiled or not, some forty steps or a second of real training are
    recorded into a folder that is thrown away. Their median, one look at the monitor's test sets, and a final test of
    one run on some of its samples are multiplied by their numbers.

    Args:
        material: The study.
        phases: Its phases.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.theory.plan import plan
        >>> recipe = built_in("tiny")
        >>> len(phase_seconds(Material(recipe), plan(recipe)[:1]))
        1
    """
    recipe = material.recipe
    known: dict[tuple[int, int, bool, bool], _Pace] = {}
    seconds = []
    for phase in phases:
        seeds, epochs = (
            seeds_of(phase.runs[0].seeds),
            phase.training.optimizer.epochs(phase.steps, recipe.training.samples),
        )
        compiled = worth_compiling(material.initialise([seeds]), material.training_inputs, epochs)
        kind = len(phase.runs), len(seeds), phase.training.teaching is None, compiled
        if kind not in known:
            known[kind] = _pace(material, phase, compiled=compiled)
        seconds.append(known[kind].seconds(recipe, phase))
    return tuple(seconds)


@dataclass(frozen=True)
class _Pace:
    """Seconds that a recorded step, a look at the monitor and the final test of one run take."""

    step: float
    look: float
    test: float

    def seconds(self, recipe: Recipe, phase: Phase) -> float:
        """Return the seconds of a whole phase."""
        looks = 1 + phase.steps // recipe.measuring.monitor_every

        return phase.steps * self.step + looks * self.look + len(phase.runs) * self.test


def _pace(material: Material, phase: Phase, *, compiled: bool) -> _Pace:
    networks = material.initialise([seeds_of(run.seeds) for run in phase.runs])
    monitor, state = Monitor(networks, material), State(0, tuple(range(networks.runs)), networks, {})
    step = _step_seconds(material, phase, networks, compiled=compiled)
    began = time.perf_counter()
    monitor(state)

    return _Pace(step, time.perf_counter() - began, _test_seconds(material.recipe, networks.select([0])))


def _step_seconds(material: Material, phase: Phase, networks: Networks, *, compiled: bool) -> float:
    """Return the median time of a recorded step."""
    ticks: list[float] = []
    taught = phase.training.has_forces
    with trial_recorder(material.features, networks.runs, taught=taught) as recorder:

        def on_step(state: State) -> None:
            recorder.step(state.step, looked_at(state), state.runs)
            recorder.log(state.step, state.scalars, state.runs)
            ticks.append(time.perf_counter())
            if ticks[-1] - ticks[0] > _MOST_SECONDS:
                raise StopIteration

        with suppress(StopIteration):
            train(
                networks,
                material.training_inputs,
                _objective(material.recipe, phase),
                steps=_MOST_STEPS,
                learning_rate=0.0,  # no run can diverge, and a step takes as long
                optimizer=phase.training.optimizer,
                moves=taught,
                compiled=compiled,  # as all its steps would be
                on_step=on_step,
            )
    return median(after - before for before, after in pairwise(ticks))


def _objective(recipe: Recipe, phase: Phase) -> Objective:
    """Return what the phase is trained by, with a teacher that knows nothing: what it says takes no time."""
    teaching, update = phase.training.teaching, phase.training.update
    if teaching is None or update == "":
        return CrossEntropy()
    silent = torch.zeros(recipe.training.samples, len(phase.runs), recipe.data.classes)

    return Distillation(silent, teaching.temperature, teaching.rate_ratio, update)


def _test_seconds(recipe: Recipe, network: Networks) -> float:
    """Return the time of one network's final test: that without test samples, and that of some times their number."""
    samples = recipe.measuring.test_samples
    some = min(NOISE_CHUNK, samples)
    least, more = _timed_test(recipe, network, 1), _timed_test(recipe, network, some)

    return least + max(0.0, more - least) * samples / some


def _timed_test(recipe: Recipe, network: Networks, samples: int) -> float:
    material = Material(replace(recipe, measuring=replace(recipe.measuring, test_samples=samples)))
    with tempfile.TemporaryDirectory(prefix="probes-trial-") as folder:
        began = time.perf_counter()
        evaluate_networks(network, material, [Path(folder)], step=0)
        return time.perf_counter() - began
