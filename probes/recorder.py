"""Recording of any PyTorch training: attached to an optimizer, a row is written after every update that is due."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from probes.distributed import check_same
from probes.errors import UsageError
from probes.faults import Faults, OnError, one_line
from probes.hooks import StepHook
from probes.logs.manifest import Manifest
from probes.optimizers import Optimizers, several
from probes.quantities import Chosen, Parameters, Pending, Quantity, State, Tapped, refuse_capture, tapped
from probes.recording import Recording, as_numbers
from probes.schedules import Schedule, every

__all__ = ["Recorder"]


class Recorder:
    """Writes the correlations of a model's parameters with given directions to a run directory while it trains.

    Training goes on as without it: weights stay the same to the bit, no random number is drawn, nothing is left on
    the model, and a fault of the recorder's own is told once and does not stop training. When a recorded value is NaN
    or infinite, the log ends with the step before, the run's status becomes "diverged", and training goes on.

    Args:
        path: The run directory to make; its name is the run's id.
        taps: What is recorded: a parameter's name, a glob, a parameter, or a module that has a weight, with the
            `Directions` it is correlated with, or several of them. A weight ``(neuron, ...)`` is flattened per neuron
            and recorded with axes ``(neuron, *directions.names)``; a `Tap` says where it is laid out in another way.
        schedule: Which steps are recorded, beside step 0, which always is.
        quantities: Further quantities, such as `probes.quantities.weight_norm("conv1.weight")`.
        null: Whether each tap has one of as many random directions beside it, in a series ``<name>.null``, so that a
            feature can be told from chance; by default where the directions were estimated.
        overwrite: Whether a run that stands at ``path`` already may be replaced.
        resume: Whether to go on with a run that stands at ``path`` already: from what `load_state_dict` is given, else
            from its beginning. What the run recorded later is superseded.
        on_error: What a fault of the recorder's own does during training: "warn" or "raise", or who is told.
        role: What the run is for, free text; likewise ``variant``.
        variant: A finer distinction of the role.
        name: What people call the run, free text.
        parents: Ids of the runs that this one learns from, its teachers.
        seeds: Seeds by name.
        recipe: Everything that defines the run, as nested JSON values.

    Raises:
        ValueError: ``on_error`` is neither "warn" nor "raise", or the name of ``path`` cannot be a run's id.

    Example:
        >>> from probes.directions import Directions
        >>> model = torch.nn.Linear(4, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with Recorder("runs/seed-0", {"weight": Directions(torch.eye(4))}).attach(model, optimizer) as recorder:
        ...     for _ in range(3):
        ...         loss = model(torch.ones(1, 4)).square().sum()
        ...         loss.backward()
        ...         recorder.log(loss=loss)
        ...         optimizer.step()
        >>> from probes.store import open_log
        >>> open_log("runs/seed-0")["weight"].shape
        (4, 3, 4)
    """

    path: Path
    updates: int  # seen so far; the current step

    def __init__(
        self,
        path: str | Path,
        taps: Mapping[Chosen, Tapped],
        *,
        schedule: Schedule = every(1),  # noqa: B008 - frozen
        quantities: Sequence[Quantity] = (),
        null: bool | None = None,
        overwrite: bool = False,
        resume: bool = False,
        on_error: OnError = "warn",
        role: str = "",
        variant: str = "",
        name: str = "",
        parents: Sequence[str] = (),
        seeds: Mapping[str, int] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self._faults = Faults(self.path, on_error)
        self.updates = 0
        self._taps, self._quantities = dict(taps), tuple(quantities)
        self._schedule, self._null = schedule, null
        manifest = Manifest(
            run_id=self.path.resolve().name,
            series=(),
            schedule=str(schedule),
            role=role,
            variant=variant,
            name=name,
            parents=tuple(parents),
            seeds=dict(seeds or {}),
            recipe=dict(recipe or {}),
        )
        self._recording = Recording(self.path, manifest, overwrite=overwrite, resume=resume)
        self._model: torch.nn.Module | None = None  # once attached
        self._hook: StepHook | None = None
        self._waits = False  # with opening the log, for `load_state_dict` or the first update
        self._told = False  # of a divergence

    def attach(self, model: torch.nn.Module, optimizer: Optimizers = None) -> Self:
        """Make the run directory, record step 0 and from now on every update that is due.

        Args:
            model: The model whose parameters are recorded. Of processes that train it together all attach, one writes.
            optimizer: The optimizer whose updates count. Of several, an update is complete when each has made its
                step, or one of them is about to make another. Without one, `step` is to be called after every update.

        Returns:
            The recorder, for ``with Recorder(...).attach(model, optimizer) as recorder:``.

        Raises:
            UsageError: a tap chooses no parameter or does not fit it, or the recorder is attached to something else.
            RunError: the run directory exists already.
        """
        optimizers = several(optimizer)
        if self._model is not None:
            return self._attached_to(model, optimizers)

        hook = StepHook(optimizers, self._updated)
        self._parameters = Parameters(model)
        self._pending = Pending([*tapped(self._taps, self._parameters, null=self._null), *self._quantities])
        if self._parameters.sharded:
            recorded = [quantity.name for quantity in self._pending.quantities]
            check_same("taps, schedule and step", (recorded, str(self._schedule), self.updates))
        self._pending.measure(State(self.updates, self._parameters, model))
        self._waits = self._recording.undecided
        if not self._waits:
            self._open()
        self._model, self._optimizers = model, optimizers
        if optimizers:
            self._hook = hook
            self._hook.attach()

        return self

    def step(self) -> None:
        """Count one update of a training loop that has no optimizer, and record it if it is due.

        Raises:
            UsageError: the recorder is not attached, or attached to an optimizer, whose updates count themselves.
        """
        self._check_attached()
        if self._hook is not None:
            raise UsageError(f"expected `{self.path}` attached without an optimizer: its updates are counted already")
        self._updated()

    def log(self, step: int | None = None, /, **scalars: float | torch.Tensor) -> None:
        """Record numbers, such as ``loss=loss``, at a step; default the number of updates completed so far.

        A loss belongs to the weights that gave it, so log it before the update. Several calls at one step are merged;
        of two numbers with the same name the later stays.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if self._begun() and self._recording.live:
            self._faults.attempt(self.updates, "a scalar", self._note, scalars, step)

    def split(self, **terms: torch.Tensor) -> None:
        """Hand over the terms of the loss, before its backward pass, to the quantities that split the update.

        See `probes.quantities.update_terms`. Where the coming step is not recorded, nothing is computed.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if self._recording.live and self._schedule(self.updates + 1):
            state = State(self.updates, self._parameters, self._model)
            self._faults.attempt(self.updates, "the terms of the loss", self._pending.split, terms, state)

    def state_dict(self) -> dict[str, Any]:
        """Where the recording stands, as a checkpoint can hold it; every row so far is on the disk then.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        self._begun()
        if self._hook is not None:
            self._hook.complete()
        self._faults.attempt(self.updates, "a step", self._write)
        self._faults.attempt(self.updates, "a checkpoint", self._recording.settle, self.updates)
        return self._recording.state(self.updates)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was called; what the run recorded later is superseded.

        Call it before `attach`, or after it and before the first update; the latter needs ``resume=True``.

        Raises:
            ValueError: the state is none of a recorder.
            UsageError: it is that of another run.
            RunError: the run does not hold what the state tells of, or has another writer.
        """
        self._recording.close("interrupted", "gone on with from a checkpoint")
        self._recording.load(state)
        self.updates, self._waits = state["step"], False
        self._told = bool(self._recording.divergence)
        if self._model is not None:
            self._open()

    def close(self, status: str = "finished", reason: str = "") -> None:
        """End the log and let go of the optimizer; afterwards `step` and `log` do nothing.

        What recording cost, in bytes and in time, goes to the logger ``probes`` at level INFO and to run.json.
        """
        if self._hook is not None:
            self._hook.detach()
        if (self._recording.live or self._waits) and self.updates == 0 and status == "finished":
            self._faults.warn("no update was seen; give `attach` the optimizer, or call `step` after every update")
        self._end(status, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.close("failed" if isinstance(error, Exception) else "interrupted", one_line(error))

    def _note(self, scalars: Mapping[str, float | torch.Tensor], step: int | None) -> None:
        numbers = as_numbers(scalars)
        if step is not None or self._hook is None:
            self._recording.log(self.updates if step is None else step, numbers)
        else:  # of several optimizers' updates only the next step tells to which of them a loss belongs
            self._hook.defer(partial(self._note_here, numbers))

    def _note_here(self, numbers: Mapping[str, float | torch.Tensor]) -> None:
        self._faults.attempt(self.updates, "a scalar", self._recording.log, self.updates, numbers)

    def _attached_to(self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Self:
        if (self._model, self._optimizers) != (model, tuple(optimizers)):
            raise UsageError(f"expected one model for `{self.path}`, which is attached already; make a second Recorder")
        return self

    def _check_attached(self) -> None:
        if self._model is None:
            raise UsageError(f"expected `{self.path}` to be attached; call `attach(model, optimizer)` first")

    def _open(self) -> None:
        """Open the log and write what waits: step 0, unless the run goes on from a later one, which is in it."""
        if self._recording.resumed:
            self._pending.taken()
        self._recording.open(self._pending)
        self._write()

    def _begun(self) -> bool:
        """Whether things happen that can be recorded; a log that waited for a state is opened: it begins anew."""
        if self._pending.capturing:
            self._faults.attempt(self.updates, "an update", refuse_capture)
            return False
        if self._waits:
            self._waits = False
            self._faults.attempt(self.updates, "the log", self._open)
        return True

    def _updated(self) -> None:
        if (self._waits or self._pending.lanes) and not self._begun():
            return
        self.updates += 1
        if self._recording.live or self._parameters.sharded:
            self._faults.attempt(self.updates, "a step", self._record)

    def _record(self) -> None:
        if self._schedule.always or self._schedule(self.updates):
            self._pending.measure(State(self.updates, self._parameters, self._model))
        if self._pending.due:
            self._write(wait=False)

    def _write(self, *, wait: bool = True) -> None:
        self._recording.write(self._pending, wait=wait)
        if self._recording.divergence and not self._told:
            # The hook stays until `close`: an optimizer must not lose a hook while it walks them.
            self._told = True
            self._faults.warn(f"{self._recording.divergence}; the log ends before it, training goes on")
            self._recording.close("diverged", "")

    def _end(self, status: str, reason: str) -> None:
        if self._recording.live:
            self._faults.attempt(self.updates, "a step", self._write)
        reason = reason or self._faults.reason
        ending = (status, reason, self.updates, self._faults.seconds)
        self._faults.attempt(self.updates, "the end of the log", self._recording.close, *ending)
