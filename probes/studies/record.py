"""Recording a study: its phases are trained one after the other, every step of every run goes to a log of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from probes.errors import LogError, UsageError
from probes.learners.ensembles import ensemble
from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.networks import Networks
from probes.learners.objectives import CrossEntropy, Distillation, Objective
from probes.learners.recipe_files import AnyRecipe, as_mapping
from probes.learners.training import State, train
from probes.log.manifest import Manifest, read_manifest
from probes.log.writing.resuming import Position
from probes.recording import StackedRecorder
from probes.schedules import Schedule, at, every
from probes.studies.checkpoint import Checkpoint, Checkpoints, read_checkpoint
from probes.studies.evaluate import Monitor, evaluate_networks
from probes.studies.folder import ENDED, check_root, check_runs, status_of, study_hash
from probes.studies.gaussian import record_gaussian
from probes.studies.interruption import Interruption
from probes.studies.material import Material, load_networks, save_networks, seeds_of
from probes.studies.plan import Phase, PlannedRun, plan
from probes.studies.series import NO_CLASSES, forces, looked_at, taps
from probes.studies.watcher import Silent, Watcher

__all__ = ["Watcher", "record_study"]


def record_study(
    recipe: AnyRecipe,
    root: str | Path,
    *,
    force: bool = False,
    schedule: Schedule = every(1),  # noqa: B008 - frozen
    own_class: bool = False,
    checkpoint_seconds: float = 30.0,
    watcher: Watcher | None = None,
) -> Path:
    """Train the runs of a study that are not finished yet, every step recorded, and return the root folder.

    What a process before left half done goes on from its last checkpoint, and ends as if never interrupted. Ctrl-C
    and SIGTERM end the step, write a checkpoint, and then the process. Runs on Gaussian inputs, which take seconds,
    have no checkpoints and begin anew.

    Args:
        recipe: The study.
        root: Folder of the run directories; made where it is missing.
        force: Record half-finished runs from their beginning, and go on in a folder that holds runs of another study.
        schedule: Which steps are recorded, beside the first; default every one.
        own_class: Record of the correlations only those of each class with its own features.
        checkpoint_seconds: Time between two checkpoints.
        watcher: Told how the recording goes on.

    Raises:
        RunError: If the folder holds other runs, and ``force`` is not set; or a run has another writer.
        UsageError: If ``own_class`` is asked for where neurons belong to no class.
        LogError: If the disk is full, or a checkpoint is damaged.

    Example:
        >>> from probes.learners.recipe_files import built_in
        >>> root = record_study(built_in("tiny"), "runs")
        >>> len([path for path in root.iterdir() if path.name.startswith("single")])
        3
    """
    root = Path(root)
    check_root(root)
    if isinstance(recipe, GaussianRecipe):
        if own_class:
            raise UsageError(NO_CLASSES)
        return record_gaussian(recipe, root, force=force, schedule=schedule, watcher=watcher or Silent())

    phases = plan(recipe)
    if not force:
        check_runs(root, phases)

    timing = _Timing(schedule, checkpoint_seconds, own_class)
    recording = _Recording(Material(recipe), root, watcher or Silent(), timing, anew=force)
    for phase in phases:
        recording.phase(phase)
    return root


@dataclass(frozen=True)
class _Timing:
    """When something is written, and whether it is the own-class block alone."""

    schedule: Schedule
    checkpoint_seconds: float
    own_class: bool

    def until(self, last: int) -> Schedule:
        """The schedule, the last step in it."""
        return self.schedule if self.schedule(last) else self.schedule | at(last)


class _Recording:
    """One study on its way into one folder."""

    def __init__(self, material: Material, root: Path, watcher: Watcher, timing: _Timing, *, anew: bool) -> None:
        self.material, self.root, self.watcher = material, root, watcher
        self.timing, self.anew = timing, anew
        self.recipe = as_mapping(material.recipe)
        self.study = study_hash(self.recipe)

    def phase(self, phase: Phase) -> None:
        """Train what is not finished of a phase: first what a process before left half done, then the others."""
        left = [run for run in phase.runs if status_of(self.root / run.run_id) not in ENDED]
        begun = self._begun(phase, {run.run_id for run in left})
        resumed = {run.run_id for kept in begun.values() for run in kept.runs}
        fresh = [run for run in left if run.run_id not in resumed]
        ready = [run for run in fresh if self._can_start(run)]

        notes = [(len(phase.runs) - len(left), "finished before")]
        for path, kept in begun.items():
            names = {run.run_id for run in kept.runs}
            self._group(phase, [run for run in phase.runs if run.run_id in names], kept, path, notes)
            notes = []
        if fresh or not begun:
            notes = [*notes, (len(fresh) - len(ready), "left out: a run they learn from diverged")]
            self._group(phase, ready, None, self.root / replace(phase, runs=tuple(ready)).checkpoint, notes)

    def _begun(self, phase: Phase, left: set[str]) -> dict[Path, Checkpoint]:
        """Return the checkpoints, by their files, of runs that are left; remove those of none."""
        if self.anew:
            return {}
        found = {}
        for path in sorted(self.root.glob(phase.checkpoints)):
            kept = read_checkpoint(path)
            if kept is not None and kept.fits(self.root) and left & {run.run_id for run in kept.runs}:
                found[path] = kept
            else:
                path.unlink()
        return found

    def _group(
        self,
        phase: Phase,
        runs: Sequence[PlannedRun],
        kept: Checkpoint | None,
        path: Path,
        notes: Sequence[tuple[int, str]],
    ) -> None:
        """Train some runs of a phase side by side, with checkpoints in a file, and tell how that ended."""
        self.watcher.begin(phase, len(runs))
        diverged = self._train(phase, runs, kept, path) if runs else 0
        path.unlink(missing_ok=True)
        gone_on = (len(runs), f"gone on with from step {kept.first}") if kept else (0, "")
        told = [*notes, gone_on, (diverged, "diverged")]
        self.watcher.end(", ".join(f"{count} {what}" for count, what in told if count))

    def _train(self, phase: Phase, runs: Sequence[PlannedRun], kept: Checkpoint | None, path: Path) -> int:
        """Train, record, measure and keep some runs of a phase; return how many diverged."""
        start = self._start(runs, kept)
        monitor = Monitor(start, self.material)
        paths = [self.root / run.run_id for run in runs]
        seconds = self.timing.checkpoint_seconds
        with self._recorder(phase, runs, kept) as recorder:
            alive = _Alive(recorder, len(runs))

            def on_step(state: State) -> None:
                alive.keep(state.runs, state.step)
                recorder.step(state.step, looked_at(state), state.runs)
                recorder.log(state.step, state.scalars, state.runs)
                if state.step % monitor.every == 0 or state.step == phase.steps:
                    recorder.log(state.step, monitor(state), state.runs)
                self.watcher.advance(state.step)

            with Interruption() as interruption:
                networks, survivors = train(
                    start,
                    self.material.training_inputs,
                    self._objective(phase, runs),
                    steps=phase.steps,
                    learning_rate=phase.learning_rate,
                    optimizer=phase.optimizer,
                    first=kept.first if kept else 0,
                    moments=kept.moments if kept else None,
                    moves=phase.has_forces,
                    on_step=on_step,
                    on_update=Checkpoints(path, recorder, interruption, seconds, last=phase.steps),
                )
            alive.keep(survivors, phase.steps)
            self._keep(networks, [paths[run] for run in survivors], phase.steps)
        return len(runs) - len(survivors)

    def _recorder(self, phase: Phase, runs: Sequence[PlannedRun], kept: Checkpoint | None) -> StackedRecorder:
        """The recorder of a phase: gone on with, or from step 0."""
        positions = [run.position for run in kept.runs] if kept else [Position()] * len(runs)
        return StackedRecorder(
            [self.root / run.run_id for run in runs],
            taps(self.material.features, own_class=self.timing.own_class),
            [self._manifest(run) for run in runs],
            quantities=[forces(self.material.features)] if phase.has_forces else [],
            schedule=self.timing.until(phase.steps),
            null=False,  # one of the taps is it
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

    def _start(self, runs: Sequence[PlannedRun], kept: Checkpoint | None) -> Networks:
        """The networks as their runs go on, or begin: fresh, or as the run that they continue ended."""
        seeds = [run.seeds for run in runs]
        if kept is not None:
            return self.material.networks(kept.weights, kept.memory, seeds)
        if not runs[0].continues:
            return self.material.initialise(seeds)
        return load_networks(self.material, [self.root / run.continues for run in runs], seeds)

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
        paths = [self.root / run_id for run_id in run_ids]
        networks = load_networks(self.material, paths, [seeds_of(read_manifest(path)) for path in paths])

        return networks.training_outputs(self.material.training_inputs)

    def _can_start(self, run: PlannedRun) -> bool:
        """Whether what a run learns from, and continues, has not diverged."""
        continues = not run.continues or status_of(self.root / run.continues) == "finished"
        return continues and bool(self._teachers(run)) == bool(run.parents)

    def _teachers(self, run: PlannedRun) -> tuple[str, ...]:
        """Those of a run's teachers that can teach: a teacher that diverged cannot."""
        return tuple(parent for parent in run.parents if status_of(self.root / parent) == "finished")

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
            networks=len(run.seeds),
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
