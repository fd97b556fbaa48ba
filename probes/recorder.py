"""Recording of any PyTorch training: attached to an optimizer, a row is written after every update that is due."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from probes import __version__
from probes.directions import Directions
from probes.errors import UsageError
from probes.hooks import StepHook
from probes.quantities import Parameters, Pending, Quantity, State, Tap, all_finite, stored_directions, tapped
from probes.schedules import Schedule, every
from probes.store.manifest import Manifest
from probes.store.writer import RunWriter

__all__ = ["Recorder"]


class Recorder:
    """Writes the correlations of a model's parameters with given directions to a run directory while it trains.

    Training goes on as without it: weights stay the same to the bit, no random number is drawn, nothing is left on
    the model, and a fault of the recorder's own is told once and does not stop training. When a recorded value is NaN
    or infinite, the log ends with the step before, the run's status becomes "diverged", and training goes on.

    Args:
        path: The run directory to make; its name is the run's id.
        taps: What is recorded: a parameter's name or a glob, with the `Directions` it is correlated with. A weight
            ``(neuron, ...)`` is flattened per neuron and recorded with axes ``(neuron, *directions.names)``; where
            more leading axes are to be kept, a `Tap` names them. All taps of one recorder share one set of directions.
        schedule: Which steps are recorded, beside step 0, which always is.
        quantities: Further quantities, such as `probes.quantities.weight_norm("conv1.weight")`.
        overwrite: Whether a run that stands at ``path`` already may be replaced.
        on_error: What a fault of the recorder's own does during training: "warn" or "raise".
        role: What the run is for, free text; likewise ``variant``.
        variant: A finer distinction of the role.
        parents: Ids of the runs that this one learns from, its teachers.
        seeds: Seeds by name.
        recipe: Everything that defines the run, as nested JSON values.

    Raises:
        ValueError: ``on_error`` is neither "warn" nor "raise", or the name of ``path`` cannot be a run's id.
        UsageError: taps have different directions.

    Example:
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
        taps: Mapping[str, Directions | Tap],
        *,
        schedule: Schedule = every(1),  # noqa: B008 - frozen
        quantities: Sequence[Quantity] = (),
        overwrite: bool = False,
        on_error: str = "warn",
        role: str = "",
        variant: str = "",
        parents: Sequence[str] = (),
        seeds: Mapping[str, int] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        if on_error not in {"warn", "raise"}:
            raise ValueError(f'expected `on_error` "warn" or "raise", got {on_error!r}')

        self.path = Path(path)
        self.updates = 0
        self._taps, self._directions = dict(taps), stored_directions(taps)
        self._quantities = tuple(quantities)
        self._schedule, self._overwrite, self._on_error = schedule, overwrite, on_error
        self._manifest = Manifest(
            run_id=self.path.resolve().name,
            series=(),
            schedule=str(schedule),
            role=role,
            variant=variant,
            parents=tuple(parents),
            seeds=dict(seeds or {}),
            recipe=dict(recipe or {}),
            versions={"feature-probes": __version__, "numpy": np.__version__, "torch": torch.__version__},
        )
        self._subject: tuple[torch.nn.Module, torch.optim.Optimizer | None] | None = None
        self._hook: StepHook | None = None
        self._writer: RunWriter | None = None
        self._divergence = ""  # once there is a reason, nothing more is recorded
        self._faults: dict[str, str] = {}  # what went wrong -> how it did the first time

    def attach(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Self:
        """Make the run directory, record step 0 and from now on every update that is due.

        Args:
            model: The model whose parameters are recorded.
            optimizer: The optimizer whose updates count. Without one, `step` is to be called after every update.

        Returns:
            The recorder, for ``with Recorder(...).attach(model, optimizer) as recorder:``.

        Raises:
            UsageError: a tap chooses no parameter or does not fit it, or the recorder is attached to something else.
            RunError: the run directory exists already.
        """
        if self._subject is not None:
            return self._attached_to(model, optimizer)

        self._parameters = Parameters(model)
        self._pending = Pending([*tapped(self._taps, self._parameters), *self._quantities])
        self._pending.measure(State(0, self._parameters))
        manifest = replace(self._manifest, series=self._pending.series)
        self._writer = RunWriter(self.path, manifest, directions=self._directions, overwrite=self._overwrite)
        self._subject = (model, optimizer)
        self._write(self._writer)
        if optimizer is not None:
            self._hook = StepHook(optimizer, self._updated)
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

    def log(self, **scalars: float | torch.Tensor) -> None:
        """Record numbers, such as ``loss=loss``, at the current step: the number of updates completed so far.

        A loss belongs to the weights that gave it, so log it before the update. Several calls at one step are merged;
        of two numbers with the same name the later stays.

        Raises:
            UsageError: the recorder is not attached.
        """
        self._check_attached()
        if self._live is not None:
            self._attempt("a scalar", self._log, self._live, scalars)

    def close(self, status: str = "finished", reason: str = "") -> None:
        """End the log and let go of the optimizer; afterwards `step` and `log` do nothing."""
        if self._hook is not None:
            self._hook.detach()
        if self._live is not None and self.updates == 0 and status == "finished":
            self._warn("no update was seen; give `attach` the optimizer, or call `step` after every update")
        self._end(status, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.close("failed" if isinstance(error, Exception) else "interrupted", _one_line(error))

    def _attached_to(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None) -> Self:
        if self._subject != (model, optimizer):
            raise UsageError(f"expected one model for `{self.path}`, which is attached already; make a second Recorder")
        return self

    def _check_attached(self) -> None:
        if self._subject is None:
            raise UsageError(f"expected `{self.path}` to be attached; call `attach(model, optimizer)` first")

    @property
    def _live(self) -> RunWriter | None:
        return None if self._divergence else self._writer

    def _log(self, writer: RunWriter, scalars: Mapping[str, float | torch.Tensor]) -> None:
        writer.log(self.updates, {name: _number(value) for name, value in scalars.items()})

    def _updated(self) -> None:
        self.updates += 1
        if self._live is not None:
            self._attempt("a step", self._record, self._live)

    def _record(self, writer: RunWriter) -> None:
        if self._schedule(self.updates):
            self._pending.measure(State(self.updates, self._parameters))
        if self._pending.due:
            self._write(writer)

    def _write(self, writer: RunWriter) -> None:
        """Write the steps that wait, up to the first that is not finite."""
        steps, arrays = self._pending.taken()
        finite = {name: all_finite(array, axes=1) for name, array in arrays.items()}
        for row, step in enumerate(steps):
            broken = [name for name, whole in finite.items() if not whole[row]]
            if broken:
                self._diverge(f"`{broken[0]}` is not finite at step {step}")
                return
            writer.append(step, {name: array[row] for name, array in arrays.items()})

    def _diverge(self, reason: str) -> None:
        # The hook stays until `close`: an optimizer must not lose a hook while it walks them.
        self._divergence = reason
        self._end("diverged", reason)
        self._warn(f"{reason}; the log ends before it, training goes on")

    def _end(self, status: str, reason: str) -> None:
        if self._live is not None:
            self._attempt("a step", self._write, self._live)
        if self._writer is not None:
            self._attempt("the end of the log", self._close, self._writer, status, reason)

    def _close(self, writer: RunWriter, status: str, reason: str) -> None:
        if self._divergence:
            status, reason = "diverged", self._divergence
        writer.close(status, reason or "; ".join(self._faults.values()))
        self._writer = None

    def _attempt(self, what: str, work: Callable[..., None], *arguments: object) -> None:
        """Do some of the recorder's own work, a fault of which is told once, kept as a reason, and ends no training."""
        try:
            work(*arguments)
        except Exception as error:
            if self._on_error == "raise":
                raise
            fault = f"{what} could not be recorded, first at step {self.updates}: {_one_line(error)}"
            if self._faults.setdefault(what, fault) is fault:
                self._warn(f'{fault}; training goes on (`on_error="raise"` shows where)')

    def _warn(self, text: str) -> None:
        warnings.warn(f"{self.path}: {text}", RuntimeWarning, stacklevel=3)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _number(value: float | torch.Tensor) -> float:
    return float(value.detach() if isinstance(value, torch.Tensor) else value)
