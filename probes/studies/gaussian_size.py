"""What a study on Gaussian inputs takes: numbers it records and keeps, and its time, from a few of its steps."""

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.minibatches import Progress, train_students
from probes.log.manifest import Manifest
from probes.schedules import every
from probes.studies.gaussian import first_layer, recorder_of
from probes.studies.gaussian_evaluate import evaluate_students
from probes.studies.gaussian_material import GaussianMaterial
from probes.studies.plan import Phase, plan

__all__ = ["gaussian_seconds", "gaussian_work", "numbers_of"]

_STEPS = 20  # of training, a phase


def numbers_of(material: GaussianMaterial, members: int) -> tuple[int, int]:
    """Return how many numbers a run of so many networks records at a step, and how many parameters it has.

    Args:
        material: The study.
        members: Networks whose average the run is.

    Example:
        >>> numbers_of(GaussianMaterial(GaussianRecipe()), members=1)  # 64 neurons by 32 features, norms, null
        (2144, 2762)
    """
    students = material.initialise([tuple(range(members))])
    neurons, features = students.first.shape[1], material.directions.shape[0]

    return neurons * features + neurons + features, sum(values.numel() for values in students.parameters.values())


def gaussian_work(recipe: GaussianRecipe) -> float:
    """Return the products of a training sample with a parameter that a study consists of.

    Args:
        recipe: The study.

    Example:
        >>> wide = replace(recipe := GaussianRecipe(), network=replace(recipe.network, width=128))
        >>> gaussian_work(wide) > 1.9 * gaussian_work(recipe)
        True
    """
    networks = sum(len(run.seeds) for phase in plan(recipe) for run in phase.runs)
    _, parameters = numbers_of(GaussianMaterial(recipe), 1)
    positions = recipe.data.dim if recipe.network.kind == "convolutional" else 1

    return float(networks * recipe.training.steps * recipe.training.batch_size * parameters * positions**0.5)


def gaussian_seconds(recipe: GaussianRecipe) -> tuple[float, ...]:
    """Return how long each phase takes on this machine as it is now, from some recorded steps and one final test.

    Args:
        recipe: The study.

    Example:
        >>> len(gaussian_seconds(GaussianRecipe()))
        2
    """
    material = GaussianMaterial(recipe)

    return tuple(_seconds(material, phase) for phase in plan(recipe))


def _seconds(material: GaussianMaterial, phase: Phase) -> float:
    few = replace(material.recipe.training, steps=min(_STEPS, phase.steps))
    ticks: list[float] = []
    students, seeds = material.initialise([run.seeds for run in phase.runs]), [run.seeds[0] for run in phase.runs]
    with TemporaryDirectory(prefix="probes-trial-") as folder:
        paths = [Path(folder, run.run_id) for run in phase.runs]
        manifests = [Manifest(path.name, ()) for path in paths]
        with recorder_of(paths, manifests, material.directions, every(1)) as recorder:

            def on_step(progress: Progress) -> None:
                recorder.step(progress.step, first_layer(progress.students), progress.runs)
                recorder.log(progress.step, progress.scalars, progress.runs)
                ticks.append(time.perf_counter())

            train_students(
                students, material.training.inputs, material.training.labels, few, seeds=seeds, on_step=on_step
            )
        began = time.perf_counter()
        evaluate_students(students, material, paths, step=0)
        tested = time.perf_counter() - began
    return phase.steps * median(after - before for before, after in pairwise(ticks)) + tested
