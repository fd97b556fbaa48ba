"""The log of one run as a recorder writes it: begun, gone on with, ended early where a value is not finite."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.distributed import is_writer, whole
from probes.errors import RunError, UsageError
from probes.faults import Faults
from probes.files.durable import is_there
from probes.files.endings import at_end, not_at_end, rescued
from probes.log.layout import MANIFEST, checked_name
from probes.log.manifest import Manifest, read_manifest
from probes.log.rows import due
from probes.log.writing.resuming import Position
from probes.log.writing.steps import any_step
from probes.log.writing.writer import RunWriter
from probes.quantities import Numbers, Pending, all_finite

__all__ = ["Recording", "as_array", "as_numbers"]

_LOGGER = logging.getLogger("probes")


class Recording:
    """One run's log from the first row to its end.

    Args:
        path: The run directory.
        manifest: What the run is; its series are filled in by `open`.
        faults: Where it is noted that the run has diverged, or a series has ended.
        overwrite: Whether a run that stands at ``path`` already may be replaced.
        resume: Whether such a run is gone on with.

    Example:
        >>> path = Path("runs/seed-0")
        >>> recording = Recording(path, Manifest("seed-0", ()), Faults(path, "warn"), overwrite=False, resume=False)
        >>> recording.open(Pending([]))
        >>> recording.log(0, {"loss": torch.tensor(0.5)})
        >>> recording.close("finished", "")
        >>> from probes.log import open_log
        >>> open_log("runs/seed-0").scalars().loss.tolist()
        [0.5]
    """

    divergence: str = ""  # once there is a reason, nothing more is recorded

    def __init__(self, path: Path, manifest: Manifest, faults: Faults, *, overwrite: bool, resume: bool) -> None:
        self._warn, self._note = faults.warn, faults.note
        self._path, self._manifest, self._overwrite = path, manifest, overwrite
        self._position = Position() if resume else None  # where to go on; None = this must be a new run
        self._created = ""  # when the run to go on with began
        self._writer: RunWriter | None = None
        self._pending = Pending([])
        self._scalars: Numbers[int] = Numbers()  # that wait, by step
        self._finite: Callable[[], bool] = _unknown  # whether the weights are
        self._not_finite: set[str] = set()  # series that have not been finite while the weights were
        self.last: tuple[int, dict[str, NDArray[Any]]] = (-1, {})  # the step that was written last, and its values

    @property
    def live(self) -> bool:
        """Whether rows are taken."""
        return self._writer is not None and not self.divergence

    @property
    def resumed(self) -> bool:
        """Whether the run goes on from a state that has been loaded: the current step is in the log already."""
        return self._position not in {None, Position()}

    @property
    def undecided(self) -> bool:
        """Whether a state may still be loaded, without which a run that stands there would begin anew."""
        return is_writer() and self._position == Position() and is_there(self._path / MANIFEST)

    def open(self, pending: Pending, finite: Callable[[], bool] | None = None, *, first: int = 0) -> None:
        """Make the run directory for what has been measured, or go on with the one that is there.

        Of several processes that train together only the first does; the others record nothing. ``finite`` says later
        whether the weights are.

        Raises:
            RunError: there is a run that is not to be gone on with, or does not hold what is to be gone on from.
        """
        if is_writer() and not self.divergence:
            if self._created and (found := read_manifest(self._path).created) != self._created:
                raise RunError(
                    f"expected the run of {self._created} at `{self._path}`, got one of {found}; record into another "
                    "directory, or leave the checkpoint"
                )
            manifest = replace(self._manifest, series=pending.series, batches=pending.probe_batches)
            self._writer = RunWriter(
                self._path,
                manifest,
                directions=pending.directions,
                overwrite=self._overwrite,
                resume=self._position,
                first=first,
            )
            self._created = self._writer.manifest.created
            self._pending, self._finite = pending, finite or _unknown
            at_end(self)

    def rescue(self) -> None:
        """Have all rows so far on the disk: the process ends, or nobody is left to close the log, which stays open."""
        if self._writer is not None and self._writer.open_here:
            self.write(self._pending)
            self._writer.rescue()

    def __del__(self) -> None:
        rescued(self, "_writer")

    def write(self, pending: Pending, *, wait: bool = True) -> None:
        """Write the steps that wait, up to the first that is not finite: there the run has diverged, and the log ends.

        Where the weights are finite all the same, what is not is a value like others, and noted once. Without ``wait``
        what a device has computed lately only goes on its way, and is written by a later call.
        """
        steps, arrays = pending.taken(wait=wait)
        self._write_scalars(wait=wait)
        if self._writer is None or self.divergence:
            return
        broken = dict(self._broken(steps, arrays, known=self._not_finite | pending.ended.keys()))
        if broken and self._finite():
            for name, step in broken.items():
                self._not_finite.add(name)
                self._note(name, f"`{name}` is not finite at step {step}, and the weights are; it is recorded as it is")
            broken = {}
        name, end = min(broken.items(), key=itemgetter(1), default=("", -1))
        row = steps.index(end) if broken else len(steps)
        schedules = self._writer.manifest.schedules
        if broken:
            arrays = {name: array[: int(due(schedules.get(name), steps[:row]).sum())] for name, array in arrays.items()}
        self._writer.extend(steps[:row], arrays)
        if row:
            step = steps[row - 1]
            ends = [name for name in arrays if name not in schedules or due(schedules[name], [step])[0]]
            self.last = step, {name: arrays[name][-1].copy() for name in ends}
        if broken:
            self.divergence = f"`{name}` is not finite at step {end}"
            self._warn(f"{self.divergence}; the log ends before it, training goes on")
            self.close("diverged", "")

    def _broken(
        self, steps: Sequence[int], arrays: Mapping[str, NDArray[Any]], known: Set[str]
    ) -> Iterator[tuple[str, int]]:
        """The series that are not finite, but for the known ones, and the first step at which each is not."""
        for name, array in arrays.items():
            if name not in known and not np.isfinite(array).all():
                schedule = None if self._writer is None else self._writer.manifest.schedules.get(name)
                own = np.array(steps)[due(schedule, steps)]
                yield name, int(own[all_finite(array, axes=1).argmin()])

    def log(self, step: int, scalars: Mapping[str, float | torch.Tensor]) -> None:
        """Write numbers at a step, many of them together, so that a device is seldom waited for."""
        self._scalars.add(any_step(step), scalars)
        if self._scalars.due:
            self._write_scalars(wait=False)

    def _write_scalars(self, *, wait: bool = True) -> None:
        for step, scalars in self._scalars.taken(wait=wait):
            if self._writer is not None:
                self._writer.log(step, {name: float(value) for name, value in scalars.items()})

    def settle(self, step: int) -> None:
        """Have every row so far on the disk, as those before ``step`` updates were completed.

        Raises:
            LogError: the disk refuses; `state` tells of the rows all the same, and going on from it will find out.
        """
        if self._writer is not None and not self.divergence:
            self._write_scalars()
            self._position = Position(step, self._writer.rows)
            self._writer.flush()

    def state(self, step: int) -> dict[str, Any]:
        """What `load` takes: numbers and texts, as a checkpoint can hold them."""
        rows = self._position.rows if self._position is not None else 0
        facts = {"run_id": self._manifest.run_id, "created": self._created, "divergence": self.divergence}
        return {"step": step, "rows": rows, **facts}

    def load(self, state: Mapping[str, Any]) -> None:
        """Have `open` go on from a state.

        Raises:
            ValueError: the state is none of a recorder.
            UsageError: it is that of another run.
        """
        if state.keys() - {"quantities", "ended"} != {"step", "rows", "run_id", "created", "divergence"}:
            raise ValueError(f"expected a recorder's `state_dict`, got one of {', '.join(map(str, state))}")
        if state["run_id"] != self._manifest.run_id:
            raise UsageError(f"expected the state of run `{self._manifest.run_id}`, got that of `{state['run_id']}`")
        self._position = Position(state["step"], state["rows"])
        self._created, self.divergence = state["created"], state["divergence"]

    def close(self, status: str, reason: str, step: int = -1, seconds: float = 0.0) -> None:
        """End the log after ``step`` updates, ``seconds`` of which went into recording; one that diverged says so."""
        if self._writer is not None:
            self._write_scalars()
            status, reason = ("diverged", self.divergence) if self.divergence else (status, reason)
            self._writer.close(status, reason, recording_seconds=seconds)
            not_at_end(self)
            _LOGGER.info("%s", _summary(self._writer))
            self._position, self._writer = Position(step, self._writer.rows), None


def _unknown() -> bool:
    """That of a model that nobody has: what is recorded decides."""
    return False


def _summary(writer: RunWriter) -> str:
    spent, wall = writer.manifest.recording_seconds, writer.manifest.wall_seconds
    share = f"{spent:.2f} s of {wall:.2f} s in recording ({spent / max(wall, 1e-9):.1%})"
    return f"{writer.path}: {writer.rows:,} rows, {writer.bytes_written / 1e6:,.1f} MB written, {share}"


def as_numbers(scalars: Mapping[str, float | torch.Tensor]) -> Mapping[str, float | torch.Tensor]:
    """The numbers; those on a device stay there, and what becomes of their tensors later does not change them.

    Raises:
        ValueError: a name cannot be one in a file, or a tensor holds more than one number.
        TypeError: a value is no number.

    Example:
        >>> as_numbers({"loss": torch.tensor([0.5], requires_grad=True), "rate": 1})
        {'loss': tensor([0.5000]), 'rate': 1.0}
    """
    numbers: dict[str, float | torch.Tensor] = {}
    for name, value in scalars.items():
        if isinstance(value, torch.Tensor) and value.numel() != 1:
            raise ValueError(f"expected one number for `{name}`, got a tensor of shape {tuple(value.shape)}")
        numbers[checked_name(name)] = value.detach().clone() if isinstance(value, torch.Tensor) else float(value)
    return numbers


def as_array(values: Any) -> Any:
    """What a tensor holds, put together from all processes and without its gradient, as an array; all else as it is.

    Example:
        >>> as_array(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
        array([1., 1.], dtype=float32)
    """
    if not isinstance(values, torch.Tensor):
        return values
    found = whole(values.detach()).cpu()
    return (found.float() if found.dtype == torch.bfloat16 else found).numpy()
