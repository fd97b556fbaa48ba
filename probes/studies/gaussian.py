"""Recording a study on Gaussian inputs: ordinary networks, trained by `torch.optim`, every step of every run.

What is recorded of a step is the first layer: inner products of its neurons with known directions, the neurons' norms,
and the largest cosine of any neuron with as many random directions, which is what chance gives.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from probes.directions import Directions
from probes.errors import LogError
from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.layered import FIRST, Students
from probes.learners.minibatches import Progress, train_students
from probes.learners.recipe_files import as_mapping
from probes.log.manifest import Manifest
from probes.quantities import Largest, Tap, cosine, weight_norm
from probes.recording import StackedRecorder
from probes.schedules import Schedule, at
from probes.studies.folder import ENDED, check_runs, status_of, study_hash
from probes.studies.gaussian_evaluate import evaluate_students, watched_error
from probes.studies.gaussian_material import GaussianMaterial, keep_students
from probes.studies.interruption import Interruption
from probes.studies.plan import Phase, PlannedRun, plan
from probes.studies.watcher import Watcher

__all__ = ["first_layer", "record_gaussian", "recorder_of"]

NULL = f"{FIRST}.null"
_NULL_SEED = 0


def record_gaussian(recipe: GaussianRecipe, root: Path, *, force: bool, schedule: Schedule, watcher: Watcher) -> Path:
    """Train the runs of a study on Gaussian inputs that are not finished yet, and return the root folder.

    Args:
        recipe: The study.
        root: Folder of the run directories; made where it is missing.
        force: Go on in a folder that holds runs of another study.
        schedule: Which steps are recorded, beside the first and the last.
        watcher: Told how the recording goes on.

    Raises:
        RunError: If the folder holds other runs, and ``force`` is not set; or a run has another writer.
        LogError: If the disk is full.

    Example:
        >>> from probes.learners.minibatches import Minibatches
        >>> from probes.studies.watcher import Silent
        >>> quick = GaussianRecipe(training=Minibatches(samples=200, steps=3))
        >>> root = record_gaussian(quick, Path("runs"), force=False, schedule=at(3), watcher=Silent())
        >>> len(list(root.glob("single-*"))), len(list(root.glob("average-*")))
        (10, 2)
    """
    phases = plan(recipe)
    if not force:
        check_runs(root, phases)

    material = GaussianMaterial(recipe)
    for phase in phases:
        left = [run for run in phase.runs if status_of(root / run.run_id) not in ENDED]
        watcher.begin(phase, len(left))
        diverged = _train(material, phase, left, (root, schedule, watcher)) if left else 0
        notes = [(len(phase.runs) - len(left), "finished before"), (diverged, "diverged")]
        watcher.end(", ".join(f"{count} {what}" for count, what in notes if count))
    return root


def recorder_of(
    paths: Sequence[Path], manifests: Sequence[Manifest], directions: Directions, schedule: Schedule
) -> StackedRecorder:
    """Return the recorder of some runs; runs that stand there already are begun anew.

    Args:
        paths: The run directories.
        manifests: What is known of each run.
        directions: Those that the first layer's neurons are compared with.
        schedule: Which steps are recorded.

    Example:
        >>> import torch
        >>> recorder = recorder_of([Path("a")], [Manifest("a", ())], Directions(torch.eye(5)), at(10))
        >>> [path.name for path in recorder.paths]
        ['a']
    """
    chance = Tap(directions.null(_NULL_SEED), ("run", "neuron"), reduction=Largest())

    return StackedRecorder(
        paths,
        {FIRST: Tap(directions)},
        manifests,
        quantities=[weight_norm(FIRST, dims=("run", "neuron")), cosine(NULL, chance)],
        schedule=schedule,
        null=False,  # chance has its own series
        overwrite=True,
    )


def first_layer(students: Students) -> Mapping[str, Tensor]:
    """Return what taps and quantities look at, ``(run, neuron, dim)``.

    Args:
        students: The networks.

    Example:
        >>> list(first_layer(GaussianMaterial(GaussianRecipe()).initialise([(0,)])))
        ['first.weight', 'first.weight.null']
    """
    return {FIRST: students.first, NULL: students.first}


def _train(
    material: GaussianMaterial, phase: Phase, runs: Sequence[PlannedRun], into: tuple[Path, Schedule, Watcher]
) -> int:
    """Train, record, measure and keep some runs of a phase; return how many diverged."""
    root, schedule, watcher = into
    paths = [root / run.run_id for run in runs]
    due = schedule if schedule(phase.steps) else schedule | at(phase.steps)
    alive = set(range(len(runs)))
    manifests = [_manifest(run, material.recipe) for run in runs]

    with recorder_of(paths, manifests, material.directions, due) as recorder, Interruption() as interruption:

        def on_step(progress: Progress) -> None:
            for run in alive - set(progress.runs):
                alive.discard(run)
                recorder.close_run(run, "diverged", f"the loss is no longer finite at step {progress.step}")
            if alive:
                _record(recorder, material, progress, last=phase.steps)
            watcher.advance(progress.step)
            if interruption.came:
                raise interruption.error()

        data, seeds = material.training, [run.seeds for run in runs]
        students, survivors = train_students(
            material.initialise(seeds),
            data.inputs,
            data.labels,
            material.recipe.training,
            seeds=[own[0] for own in seeds],
            on_step=on_step,
        )
        if survivors:
            _keep(students, material, [paths[run] for run in survivors])
    return len(runs) - len(survivors)


def _record(recorder: StackedRecorder, material: GaussianMaterial, progress: Progress, *, last: int) -> None:
    recorder.step(progress.step, first_layer(progress.students), progress.runs)
    recorder.log(progress.step, progress.scalars, progress.runs)
    if progress.step % material.recipe.measuring.monitor_every == 0 or progress.step == last:
        recorder.log(progress.step, watched_error(progress.students, material), progress.runs)


def _keep(students: Students, material: GaussianMaterial, run_dirs: Sequence[Path]) -> None:
    """Keep the weights and what is measured of them with the runs."""
    try:
        keep_students(students, run_dirs)
        evaluate_students(students, material, run_dirs, step=material.recipe.training.steps)
    except OSError as error:
        raise LogError(
            f"expected room for weights and measurements, got {error.strerror}: the runs are not finished; free space "
            "there and record again"
        ) from error


def _manifest(run: PlannedRun, recipe: GaussianRecipe) -> Manifest:
    values = as_mapping(recipe)
    seeds = {"study": recipe.seed} | {f"init-{member:02d}": seed for member, seed in enumerate(run.seeds)}

    facts: dict[str, Any] = {"role": run.role, "networks": len(run.seeds), "seeds": seeds, "recipe": values}

    return Manifest(run.run_id, (), study=study_hash(values), **facts)
