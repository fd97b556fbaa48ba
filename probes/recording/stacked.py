"""Recording of many runs that train side by side as parameters with a leading run axis: one log per run."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from probes.directions import Directions
from probes.errors import UsageError
from probes.log.manifest import Manifest
from probes.log.writing.resuming import Position
from probes.measuring import Pending
from probes.quantities import Quantity, State, Tap, as_tap, nulls
from probes.recording.run_logs import RunLogs
from probes.schedules import Schedule, every

__all__ = ["StackedRecorder"]


class StackedRecorder:
    """Writes the correlations of stacked parameters to one run directory per run.

    The correlations of all runs are one product a step, and one copy to the host for up to sixteen steps, for which a
    device is not waited: it is written when the next sixteen have been computed, or a log ends. A run with a
    value that is NaN or infinite is closed as "diverged" with the step before as its last; the other runs go on.

    Args:
        paths: The run directories to make, one per run.
        taps: Series name to directions. Bare `Directions` mean parameters ``(run, class, neuron, dim)``; a `Tap` names
            other axes between ``run`` and ``dim``.
        manifests: What is known of each run; series and the directions' hash are filled in.
        quantities: Further quantities, whose first axis is ``run``.
        schedule: Which steps are recorded, beside step 0; `step` passes over the others.
        overwrite: Whether runs that stand at ``paths`` already may be replaced.
        null: Whether each tap has strength and peak of random features beside it, in a series ``<name>.null``.
        resume: Where each run goes on, as `positions` told; the first step then comes after that.

    Raises:
        ValueError: there is not one manifest, or position, per path.

    Example:
        >>> from probes.log import open_log
        >>> directions = Directions(torch.eye(6).reshape(3, 2, 6))
        >>> manifests = [Manifest(run_id=name, series=()) for name in ("single-00", "single-01")]
        >>> paths = ["runs/single-00", "runs/single-01"]
        >>> with StackedRecorder(paths, {"correlations": directions}, manifests) as recorder:
        ...     for step in range(4):
        ...         recorder.step(step, {"correlations": torch.ones(2, 3, 5, 6)})
        ...         recorder.log(step, {"loss": torch.tensor([0.5, 0.25])})
        >>> open_log("runs/single-01")["correlations"].shape
        (4, 3, 5, 3, 2)
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        taps: Mapping[str, Directions | Tap],
        manifests: Sequence[Manifest],
        *,
        quantities: Sequence[Quantity] = (),
        schedule: Schedule = every(1),  # noqa: B008 - frozen
        null: bool = True,
        overwrite: bool = False,
        resume: Sequence[Position] | None = None,
    ) -> None:
        if len(paths) != len(manifests):
            raise ValueError(f"expected one manifest per path, got {len(paths)} paths and {len(manifests)} manifests")
        if resume is not None and len(resume) != len(paths):
            raise ValueError(f"expected one position per path, got {len(paths)} paths and {len(resume)} positions")

        self.paths = tuple(Path(path).absolute() for path in paths)  # a script may change the directory
        self._manifests, self._overwrite = tuple(manifests), overwrite
        self._resume: Sequence[Position | None] = [None] * len(paths) if resume is None else resume
        self._quantities, self._schedule = tuple(quantities), schedule
        given = [(name, as_tap(value, dims=("class", "neuron"))) for name, value in taps.items()]
        self._taps = [(name, _with_runs(tap)) for name, tap in (*given, *(nulls(given) if null else ()))]
        self._logs = RunLogs(stacked=True)
        self._logs.runs = ()
        self._opened = False

    def step(self, step: int, weights: Mapping[str, torch.Tensor], runs: Sequence[int] | None = None) -> None:
        """Record the state of the runs after ``step`` updates; the first call makes the run directories.

        Args:
            step: Number of completed updates; 0 first, then rising.
            weights: The parameters by series name, ``(run, class, neuron, dim)`` or as the tap's axes say, and what
                else the quantities look at.
            runs: Which run each entry of the run axis belongs to; default all. Entries of closed runs are left out.

        Raises:
            ValueError: ``runs`` or the names of ``weights`` are not those of this recorder, or do not fit each other.
            UsageError: a parameter does not have the directions' dim.
            RunError: a run directory exists already.
        """
        runs = self._checked(runs, weights)
        common = step == 0 or self._schedule(step)
        if self._opened and not common and not self._logs.pending.asks(step):
            return
        if runs != self._logs.runs:
            self._regroup(runs, weights)

        state, pending = State(step, weights), self._logs.pending
        if not (common or pending.begun):  # measured all the same, to know the shapes
            pending.measure(state)
            pending.taken()
        if common:
            pending.measure(state)
        elif pending.asks(step):
            pending.measure_own(state)
        if not self._opened:
            self._open()
        if pending.due:
            self._logs.write(wait=False)

    def log(self, step: int, scalars: Mapping[str, torch.Tensor], runs: Sequence[int] | None = None) -> None:
        """Record numbers of the runs at ``step``, which need not be a recorded one.

        Args:
            step: Number of completed updates.
            scalars: Name to values, ``(run,)``.
            runs: Which run each value belongs to; default all. Values of closed runs are left out.

        Raises:
            ValueError: ``runs`` are not those of this recorder, or not as many as there are values.
            UsageError: no step has been recorded yet.
        """
        if not self._opened:
            raise UsageError("expected step 0 to be recorded before scalars; call `step` first")

        runs = self._checked(runs, scalars)
        self._logs.log(step, {name: values.clone() for name, values in scalars.items()}, runs)

    def positions(self, step: int) -> dict[int, Position]:
        """Where the runs that are still recorded stand after ``step`` updates, once all of it is on the disk.

        Raises:
            LogError: the disk refuses; the rows stay in memory.
        """
        self._logs.write()
        return {run: writer.position(step) for run, writer in self._logs.writers.items()}

    def close_run(self, run: int, status: str, reason: str = "") -> None:
        """End one run's log; nothing happens when it has ended already."""
        self._logs.write()
        self._logs.end(run, status, reason)

    def close(self, status: str = "finished", reason: str = "") -> None:
        """End the logs of all runs that have not ended."""
        with ExitStack() as every_one:  # also when one of them cannot be written
            for run in range(len(self.paths)):
                every_one.callback(self._logs.end, run, status, reason)
            self._logs.write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as every_one:
            for writer in self._logs.writers.values():
                every_one.callback(writer.__exit__, kind, error, trace)
            self._logs.write()
            self._logs.forget()

    def _checked(self, runs: Sequence[int] | None, stacked: Mapping[str, torch.Tensor]) -> tuple[int, ...]:
        """The runs that the leading axis of every tensor stands for."""
        everyone = tuple(range(len(self.paths)))
        checked = everyone if runs is None else tuple(runs)
        if not set(checked) <= set(everyone):
            raise ValueError(f"expected `runs` of 0 to {len(everyone) - 1}, got {checked}")
        for name, tensor in stacked.items():
            if len(tensor) != len(checked):
                raise ValueError(f"expected `{name}` of {len(checked)} runs, got shape {tuple(tensor.shape)}")
        return checked

    def _regroup(self, runs: tuple[int, ...], weights: Mapping[str, torch.Tensor]) -> None:
        """Have the run axis stand for these runs from now on."""
        tapped = dict.fromkeys(name for name, _ in self._taps)
        if not tapped.keys() <= weights.keys():
            raise ValueError(f"expected `weights` named {', '.join(tapped)}, got {', '.join(weights)}")
        if not self._opened and len(runs) < len(self.paths):
            raise ValueError(f"expected all {len(self.paths)} runs at the first step, got {len(runs)}")

        self._logs.write()
        correlations = [tap.quantity(name, weights[name]) for name, tap in self._taps]
        self._logs.runs, self._logs.pending = runs, Pending([*correlations, *self._quantities])

    def _open(self) -> None:
        with ExitStack() as undo:
            undo.callback(self.close, "failed", "another of the runs could not be made")
            for run, (path, manifest) in enumerate(zip(self.paths, self._manifests, strict=True)):
                known = replace(manifest, schedule=str(self._schedule))
                self._logs.add(run, path, known, overwrite=self._overwrite, resume=self._resume[run])
            undo.pop_all()
        self._opened = True
        self._logs.write()


def _with_runs(tap: Tap) -> Tap:
    return replace(tap, dims=("run", *tap.dims))
