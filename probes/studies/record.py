"""Recording a study: its phases are trained one after the other, every step of every run goes to a log of its own."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from probes.errors import LogError, RunError
from probes.learners.ensembles import ensemble
from probes.learners.networks import Networks
from probes.learners.objectives import CrossEntropy, Distillation, Objective
from probes.learners.recipe_files import as_mapping
from probes.learners.recipes import Recipe
from probes.learners.training import State, train
from probes.schedules import Schedule, at, every
from probes.stacked import StackedRecorder
from probes.store.attempts import Position
from probes.store.layout import MANIFEST
from probes.store.manifest import Manifest, read_manifest
from probes.studies.checkpoint import Checkpoint, Checkpoints, read_checkpoint
from probes.studies.evaluate import Monitor, evaluate_networks
from probes.studies.interruption import Interruption
from probes.studies.material import Material, load_networks, save_networks
from probes.studies.plan import Phase, PlannedRun, plan
from probes.studies.series import forces, looked_at, taps

__all__ = ["Watcher", "record_study"]

ENDED = ("finished", "diverged")


class Watcher(Protocol):
    """What wants to know how a recording goes on."""

    def begin(self, phase: Phase, runs: int) -> None:
        """A phase begins; ``runs`` of its runs are trained, the others are finished already."""

    def advance(self, step: int) -> None:
        """The runs of the phase have completed ``step`` updates."""

    def end(self, note: str) -> None:
        """The phase is trained, measured and stored; ``note`` says what else there is to know."""


class _Silent:
    """A watcher that says nothing."""

    def begin(self, phase: Phase, runs: int) -> None:
        """Say nothing."""

    def advance(self, step: int) -> None:
        """Say nothing."""

    def end(self, note: str) -> None:
        """Say nothing."""


def record_study(
    recipe: Recipe,
    root: str | Path,
    *,
    force: bool = False,
    schedule: Schedule = every(1),  # noqa: B008 - frozen
    checkpoint_seconds: float = 30.0,
    watcher: Watcher | None = None,
) -> Path:
    """Train the runs of a study that are not finished yet, every step recorded, and return the root folder.

    What a process before left half done goes on from its last checkpoint, and ends as if never interrupted. Ctrl-C
    and SIGTERM end the step, write a checkpoint, and then the process.

    Args:
        recipe: The study.
        root: Folder of the run directories; made where it is missing.
        force: Record half-finished runs from their beginning, and go on in a folder that holds runs of another study.
        schedule: Which steps are recorded, beside the first; default every one.
        checkpoint_seconds: Time between two checkpoints.
        watcher: Told how the recording goes on.

    Raises:
        RunError: If the folder holds other runs, and ``force`` is not set; or a run has another writer.
        LogError: If the disk is full, or a checkpoint is damaged.

    Example:
        >>> from probes.learners.recipe_files import built_in
        >>> root = record_study(built_in("tiny"), "runs")
        >>> len([path for path in root.iterdir() if path.name.startswith("single")])
        3
    """
    root, phases = Path(root), plan(recipe)
    _check_root(root)
    if not force:
        _check_runs(root, phases)

    timing = _Timing(schedule, checkpoint_seconds)
    recording = _Recording(Material(recipe), root, watcher or _Silent(), timing, anew=force)
    for phase in phases:
        recording.phase(phase)
    return root


@dataclass(frozen=True)
class _Timing:
    """When something is written."""

    schedule: Schedule
    checkpoint_seconds: float

    def until(self, last: int) -> Schedule:
        """The schedule, the last step in it."""
        return self.schedule if self.schedule(last) else self.schedule | at(last)


class _Recording:
    """One study on its way into one folder."""

    def __init__(self, material: Material, root: Path, watcher: Watcher, timing: _Timing, *, anew: bool) -> None:
        self.material, self.root, self.watcher = material, root, watcher
        self.timing, self.anew = timing, anew
        self.recipe = as_mapping(material.recipe)
        specification = json.dumps({**self.recipe, "name": ""}, sort_keys=True)
        self.study = hashlib.sha256(specification.encode()).hexdigest()[:16]

    def phase(self, phase: Phase) -> None:
        """Train what is not finished of a phase."""
        path = self.root / phase.checkpoint
        runs = [run for run in phase.runs if _status(self.root / run.run_id) not in ENDED]
        kept = read_checkpoint(path) if runs and not self.anew else None
        if kept is not None and kept.fits(self.root):
            chosen = {run.run_id for run in kept.runs}
            ready = [run for run in phase.runs if run.run_id in chosen]
        else:
            kept, ready = None, [run for run in runs if self._can_start(run)]

        self.watcher.begin(phase, len(ready))
        diverged = self._train(phase, ready, kept, path) if ready else 0
        path.unlink(missing_ok=True)
        notes = [
            (len(phase.runs) - len(runs), "finished before"),
            (len(ready) if kept else 0, f"gone on with from step {kept.first if kept else 0}"),
            (diverged, "diverged"),
            (len({*runs} - {*ready}), "left out: a run they learn from diverged"),
        ]
        self.watcher.end(", ".join(f"{count} {what}" for count, what in notes if count))

    def _train(self, phase: Phase, runs: Sequence[PlannedRun], kept: Checkpoint | None, path: Path) -> int:
        """Train, record, measure and keep some runs of a phase; return how many diverged."""
        start = self._start(runs) if kept is None else self._restored(kept, runs)
        monitor = Monitor(start, self.material)
        paths = [self.root / run.run_id for run in runs]
        with self._recorder(phase, runs, kept) as recorder, Interruption() as interruption:
            alive = _Alive(recorder, len(runs))
            checkpoints = Checkpoints(path, recorder, interruption, self.timing.checkpoint_seconds, last=phase.steps)

            def on_step(state: State) -> None:
                alive.keep(state.runs, state.step)
                recorder.step(state.step, looked_at(state), state.runs)
                recorder.log(state.step, state.scalars, state.runs)
                if state.step % monitor.every == 0 or state.step == phase.steps:
                    recorder.log(state.step, monitor(state), state.runs)
                self.watcher.advance(state.step)

            networks, survivors = train(
                start,
                self.material.training_inputs,
                self._objective(phase, runs),
                steps=phase.steps,
                learning_rate=phase.learning_rate,
                first=kept.first if kept else 0,
                moves=phase.teaching is not None,
                on_step=on_step,
                on_update=checkpoints,
            )
            alive.keep(survivors, phase.steps)
            self._keep(networks, [paths[run] for run in survivors], phase.steps)
        return len(runs) - len(survivors)

    def _recorder(self, phase: Phase, runs: Sequence[PlannedRun], kept: Checkpoint | None) -> StackedRecorder:
        """The recorder of a phase: gone on with, or from step 0."""
        positions = [run.position for run in kept.runs] if kept else [Position()] * len(runs)
        return StackedRecorder(
            [self.root / run.run_id for run in runs],
            taps(self.material.features),
            [self._manifest(run) for run in runs],
            quantities=[forces(self.material.features)] if phase.teaching else [],
            schedule=self.timing.until(phase.steps),
            overwrite=self.anew,
            resume=None if self.anew else positions,
        )

    def _keep(self, networks: Networks, run_dirs: Sequence[Path], step: int) -> None:
        """Keep the weights and what is measured of them with the runs."""
        try:
            save_networks(networks, run_dirs)
            evaluate_networks(networks, self.material, run_dirs, step=step)
        except OSError as error:
            raise LogError(
                f"expected room for weights and measurements in {self.root}, got {error.strerror}: the runs are not "
                "finished; free space there and record again"
            ) from error

    def _start(self, runs: Sequence[PlannedRun]) -> Networks:
        """The networks as their runs begin: fresh, or as the run that they continue ended."""
        if not runs[0].continues:
            return self.material.initialise([run.seeds for run in runs])
        return load_networks(self.material, [self.root / run.continues for run in runs], [run.seeds for run in runs])

    def _restored(self, kept: Checkpoint, runs: Sequence[PlannedRun]) -> Networks:
        return self.material.networks(kept.weights, kept.memory, [run.seeds for run in runs])

    def _objective(self, phase: Phase, runs: Sequence[PlannedRun]) -> Objective:
        if phase.teaching is None or phase.update == "":
            return CrossEntropy()

        known: dict[tuple[str, ...], Tensor] = {}
        for run in runs:
            teachers = self._teachers(run)
            if teachers not in known:
                known[teachers] = ensemble(self._outputs(teachers), scale=phase.teaching.teacher_scale)
        teacher = torch.stack([known[self._teachers(run)] for run in runs], 1)

        return Distillation(teacher, phase.teaching.temperature, phase.teaching.rate_ratio, phase.update)

    def _outputs(self, run_ids: Sequence[str]) -> Tensor:
        """Outputs of finished runs on the training set, ``(run, sample, class)``."""
        networks = load_networks(self.material, [self.root / run_id for run_id in run_ids], [(0,)] * len(run_ids))

        return networks.outputs(self.material.training_inputs, networks.memory)

    def _can_start(self, run: PlannedRun) -> bool:
        """Whether what a run learns from, and continues, has not diverged."""
        continues = not run.continues or _status(self.root / run.continues) == "finished"

        return continues and bool(self._teachers(run)) == bool(run.parents)

    def _teachers(self, run: PlannedRun) -> tuple[str, ...]:
        """Those of a run's teachers that can teach: a teacher that diverged cannot."""
        return tuple(parent for parent in run.parents if _status(self.root / parent) == "finished")

    def _manifest(self, run: PlannedRun) -> Manifest:
        seeds = {"study": self.material.recipe.seed}
        seeds |= {f"init-{member:02d}": seed for member, seed in enumerate(run.seeds)}

        return Manifest(
            run.run_id,
            (),
            role=run.role,
            variant=run.variant,
            parents=self._teachers(run),
            continues=run.continues,
            seeds=seeds,
            recipe=self.recipe,
            study=self.study,
        )


class _Alive:
    """Closes the logs of runs that training left behind."""

    def __init__(self, recorder: StackedRecorder, runs: int) -> None:
        self.recorder = recorder
        self.runs = set(range(runs))

    def keep(self, runs: Sequence[int], step: int) -> None:
        """Close every run but these as diverged at ``step``."""
        for run in self.runs - set(runs):
            self.recorder.close_run(run, "diverged", f"the loss is no longer finite at step {step}")
        self.runs = set(runs)


def _status(run_dir: Path) -> str:
    """The status of a run, empty where there is none."""
    return read_manifest(run_dir).status if (run_dir / MANIFEST).is_file() else ""


def _check_root(root: Path) -> None:
    """Refuse what is no folder for runs."""
    if root.is_file() or (root / MANIFEST).is_file():
        raise RunError(
            f"expected a folder for runs at {root}, got {'a file' if root.is_file() else 'a run'}: "
            "name another with --out"
        )


def _check_runs(root: Path, phases: Sequence[Phase]) -> None:
    """Refuse a folder that holds what this study would mix with."""
    planned = {run.run_id for phase in phases for run in phase.runs}
    present = sorted(path.parent.name for path in root.glob(f"*/{MANIFEST}"))
    other = [name for name in present if name not in planned]
    if other:
        raise RunError(
            f"expected runs of this study in {root}, got others ({other[0]}, {len(other)} in all): name "
            "another folder with --out, or keep both with --force"
        )
