"""Runs that train side by side on their way into their logs: what they begin with, what is written, how they end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from probes.directions import Directions
from probes.errors import LogError
from probes.files.durable import remove_unfinished
from probes.log.manifest import Manifest, read_manifest
from probes.log.writing.resuming import Position
from probes.quantities import Quantity, Tap
from probes.recording import StackedRecorder
from probes.schedules import Schedule, at, every
from probes.studies.checkpoint import Checkpoint, KeptRun, checkpoint_path, write_checkpoint
from probes.studies.folder import finished
from probes.studies.interruption import Interruption
from probes.studies.phases import Phase, PlannedRun
from probes.studies.watcher import Silent, Watcher

__all__ = ["Group", "Options"]


@dataclass(frozen=True)
class Options:
    """How a study is recorded.

    Attributes:
        schedule: Which steps are recorded, beside the first and the last.
        own_class: Of the correlations only those of each class with its own features.
        checkpoint_seconds: Time between two checkpoints.
        force: Record half-finished runs from their beginning.
        watcher: Told how the recording goes on.

    Example:
        >>> Options().checkpoint_seconds
        30.0
    """

    schedule: Schedule = every(1)  # noqa: RUF009 - frozen
    own_class: bool = False
    checkpoint_seconds: float = 30.0
    force: bool = False
    watcher: Watcher = Silent()  # noqa: RUF009 - it has no state


class Group:
    """Runs of a phase that train side by side.

    Args:
        root: Folder of the run directories.
        phase: The phase.
        runs: Those of its runs that are trained now.
        checkpoint: What they are resumed from; None for a start.
        options: How they are recorded.
        stated: What every run's manifest states beside its own: recipe, study, and the seeds of the study.

    Attributes:
        paths: The run directories, which `recorded` makes.
        first: The step that comes first: 0, or that of the checkpoint.
        path: File of these runs' checkpoint.
        diverged: How many of the runs diverged.

    Example:
        >>> import torch
        >>> from probes.log import open_log
        >>> phase = Phase("single", (PlannedRun("single-00", "single"), PlannedRun("single-01", "single")), steps=2)
        >>> group = Group(Path("runs"), phase, phase.runs)
        >>> with group.recorded({"first.weight": Tap(Directions(torch.eye(3)), ("neuron",))}):
        ...     for step in range(phase.steps + 1):
        ...         group.step(step, {"first.weight": torch.ones(2, 4, 3)}, {"loss": torch.ones(2)})
        ...     stored = group.survivors()
        >>> open_log("runs/single-00")["first.weight"].shape
        (3, 4, 3)
    """

    def __init__(
        self,
        root: Path,
        phase: Phase,
        runs: Sequence[PlannedRun],
        checkpoint: Checkpoint | None = None,
        *,
        options: Options = Options(),
        stated: Mapping[str, Any] | None = None,
    ) -> None:
        self.root, self.phase, self.runs, self.options = root, phase, tuple(runs), options
        self.paths = [root / run.run_id for run in runs]
        self.diverged = 0
        self.checkpoint, self.first = checkpoint, checkpoint.first if checkpoint else 0
        self.path = checkpoint_path(root, phase, self.runs)
        self._stated = stated or {}
        self._training = tuple(range(len(runs)))

    @contextmanager
    def recorded(
        self, taps: Mapping[str, Directions | Tap], *, quantities: Sequence[Quantity] = (), null: bool = False
    ) -> Iterator[None]:
        """Open the logs, and close them at the end; Ctrl-C and SIGTERM wait for `between` until training is over.

        Args:
            taps: Series name to directions, as `StackedRecorder` takes them.
            quantities: Further quantities, whose first axis is ``run``.
            null: Whether each tap has strength and peak of random features beside it.

        Raises:
            RunError: A run has another writer.
            LogError: The disk is full or refuses.
        """
        kept, options = self.checkpoint, self.options
        due = options.schedule if options.schedule(self.phase.steps) else options.schedule | at(self.phase.steps)
        recorder = StackedRecorder(
            self.paths,
            taps,
            [self._manifest(run) for run in self.runs],
            quantities=quantities,
            schedule=due,
            null=null,
            overwrite=options.force,
            resume=None
            if options.force
            else [run.position for run in kept.runs]
            if kept
            else [Position()] * len(self.runs),
        )
        with recorder as self._recorder, ExitStack() as self._until_trained:
            self._interruption = self._until_trained.enter_context(Interruption())
            remove_unfinished(self.root, self.path.name)  # nobody else writes it: the recorder has locked the runs
            self._written = time.monotonic()
            yield

    def step(
        self, step: int, tensors: Mapping[str, Tensor], scalars: Mapping[str, Tensor], runs: Sequence[int] | None = None
    ) -> None:
        """Record the runs as they are after ``step`` updates.

        Args:
            step: Number of completed updates; `first` comes first.
            tensors: What taps and quantities look at, by name, ``(run, ...)``.
            scalars: Name to numbers, ``(run,)``.
            runs: Which of the runs are still in training; the others diverged. Default: as before.
        """
        self._keep(runs, step)
        self._recorder.step(step, tensors, self._training)
        self._recorder.log(step, scalars, self._training)
        self.options.watcher.advance(step)

    def between(
        self, following: int, state: Callable[[Sequence[int]], Mapping[str, Tensor]], runs: Sequence[int] | None = None
    ) -> None:
        """Write a checkpoint if one is due, and end the process if it was asked to; called after every update.

        One is written after some seconds, before the last step, and when the process is asked to end. Every row in it
        is on the disk before it is.

        Args:
            following: The step that comes next.
            state: Returns what the runs of some places in ``runs`` are resumed from, name to tensor.
            runs: Which of the runs are still in training. Default: as before.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; likewise SystemExit for SIGTERM.
        """
        interrupted, last, now = self._interruption.came, self.phase.steps, time.monotonic()
        due = following == last or now >= self._written + self.options.checkpoint_seconds
        if following <= last and (interrupted or due):
            training = self._training if runs is None else runs
            positions = self._recorder.positions(following - 1)
            places = [place for place, run in enumerate(training) if run in positions]  # those whose log goes on
            going = [(self.paths[run], positions[run]) for run in training if run in positions]
            kept = tuple(KeptRun(path.name, read_manifest(path).created, *position) for path, position in going)
            write_checkpoint(self.path, Checkpoint(following, kept, state(places)))
            self._written = time.monotonic()
        if interrupted:
            raise self._interruption.error()

    def survivors(self, runs: Sequence[int] | None = None) -> list[int]:
        """End the training, after which a signal acts at once, and return which runs did not diverge.

        Args:
            runs: Which of the runs ended well. Default: those of the last step.
        """
        self._until_trained.close()
        self._keep(runs, self.phase.steps)
        return list(self._training)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Have a full disk reported while weights and outputs are stored.

        Raises:
            LogError: The disk is full or refuses.
        """
        try:
            yield
        except OSError as error:
            raise LogError(
                f"expected room for weights and measurements in {self.root}, got {error.strerror}: the runs are not "
                "finished; free space there and record again"
            ) from error

    def teachers(self, run: PlannedRun) -> list[Path]:
        """Return the directories of a run's teachers, but for those that diverged."""
        return [self.root / name for name in finished(self.root, run.parents)]

    def _keep(self, runs: Sequence[int] | None, step: int) -> None:
        """Close every run but these as diverged."""
        if runs is None or tuple(runs) == self._training:
            return
        for run in set(self._training) - set(runs):
            self._recorder.close_run(run, "diverged", f"the loss is no longer finite at step {step}")
            self.diverged += 1
        self._training = tuple(runs)

    def _manifest(self, run: PlannedRun) -> Manifest:
        return Manifest(
            run.run_id,
            (),
            role=run.role,
            variant=run.variant,
            parents=finished(self.root, run.parents),
            continues=run.continues,
            networks=run.networks,
            **{**self._stated, "seeds": {**self._stated.get("seeds", {}), **run.seeds}},
        )
