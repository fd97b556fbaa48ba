"""The logs of runs that are recorded together, from the first row to the end of each; a `Recorder` has one run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.files.endings import at_end, not_at_end, rescued
from probes.log.manifest import Manifest
from probes.log.rows import due
from probes.log.writing.resuming import Position
from probes.log.writing.steps import any_step
from probes.log.writing.writer import RunWriter
from probes.measuring import Numbers, Pending, all_finite
from probes.schedules import Schedule

__all__ = ["RunLogs"]

Runs = tuple[int, ...]
Arrays = Mapping[str, NDArray[Any]]


class RunLogs:
    """What has been measured of some runs and waits, and the writers of those that are still recorded.

    A run whose values are not finite ends as "diverged", with the step before as its last; the others go on.

    Example:
        >>> logs = RunLogs()
        >>> logs.add(0, "runs/seed-0", Manifest("seed-0", ()))
        >>> logs.log(0, {"loss": torch.tensor(0.5)})
        >>> logs.write()
        >>> logs.end(0, "finished", "")
        >>> from probes.log import open_log
        >>> open_log("runs/seed-0").scalars().loss.tolist()
        [0.5]
    """

    def __init__(self, *, stacked: bool = False) -> None:
        self.pending = Pending([])
        self.runs: Runs = (0,)  # that the waiting steps are of
        self.writers: dict[int, RunWriter] = {}  # of the runs that are still recorded
        self.divergences: dict[int, str] = {}  # why runs have diverged, of which nothing more is recorded
        self._stacked = stacked  # whether the first axis of what is measured is the runs'
        self._numbers: Numbers[tuple[int, Runs]] = Numbers()  # that wait, by step and runs
        self._schedules: Mapping[str, Schedule] = {}  # by series, where not all have a row at every recorded step

    def add(
        self,
        run: int,
        path: str | Path,
        manifest: Manifest,
        *,
        overwrite: bool = False,
        resume: Position | None = None,
        first: int = 0,
    ) -> None:
        """Make the writer of a run for what has been measured; errors as `RunWriter`'s."""
        series = self.pending.series
        if self._stacked:
            series = tuple(replace(one, dims=one.dims[1:], shape=one.shape[1:]) for one in series)
        writer = RunWriter(
            path,
            replace(manifest, series=series, batches=self.pending.probe_batches),
            directions=self.pending.directions,
            overwrite=overwrite,
            resume=resume,
            first=first,
        )
        self.writers[run], self._schedules = writer, writer.manifest.schedules
        at_end(self)

    def write(self, *, wait: bool = True) -> None:
        """Write the numbers and steps that wait, of each run up to the first step that is not finite.

        Without ``wait`` what a device has computed lately only goes on its way, and is written by a later call.
        """
        steps, arrays = self.pending.taken(wait=wait)
        self.write_numbers(wait=wait)
        if not (steps and self.writers):
            return
        arrays = arrays if self._stacked else {name: array[:, np.newaxis] for name, array in arrays.items()}
        broken = self._broken(steps, arrays)
        for place, run in enumerate(self.runs):
            if run in self.writers and run not in self.divergences:
                name, end = min(self._ends(broken.get(place, {})).items(), key=itemgetter(1), default=("", None))
                kept, own = steps, {one: array[:, place] for one, array in arrays.items()}
                if end is not None:
                    kept = steps[: steps.index(end)]
                    own = {one: array[: self._rows(one, kept)] for one, array in own.items()}
                self.writers[run].extend(kept, own)
                self._note_last(kept, own)
                if end is not None:
                    self._diverge(run, f"`{name}` is not finite at step {end}")

    def _rows(self, name: str, steps: Sequence[int]) -> int:
        """How many rows a series has at the steps."""
        return int(due(self._schedules.get(name), steps).sum())

    def _broken(self, steps: Sequence[int], arrays: Arrays) -> dict[int, dict[str, int]]:
        """By the runs' places, the series that are not finite, and the first step at which each is not."""
        found: dict[int, dict[str, int]] = {}
        ended = self.pending.ended
        for name, array in arrays.items():
            if name in ended or np.isfinite(array).all():
                continue
            finite = all_finite(array, axes=2)
            own = np.array(steps)[due(self._schedules.get(name), steps)]
            for place in np.flatnonzero(~finite.all(axis=0)).tolist():
                found.setdefault(place, {})[name] = int(own[finite[:, place].argmin()])
        return found

    def _ends(self, broken: Mapping[str, int]) -> Mapping[str, int]:
        """The series that end a run, of those that are not finite; all of them."""
        return broken

    def _note_last(self, steps: Sequence[int], arrays: Arrays) -> None:
        """Nothing: only where a model is at hand is there anything to compare the last rows with."""

    def _diverge(self, run: int, reason: str) -> None:
        self.divergences[run] = reason
        self.end(run, "diverged", reason)

    def log(self, step: int, numbers: Mapping[str, float | torch.Tensor], runs: Runs | None = None) -> None:
        """Let numbers wait, ``(run,)`` each, many of them together, so that a device is seldom waited for.

        Their tensors must not change any more.
        """
        self._numbers.add((any_step(step), self.runs if runs is None else runs), numbers)
        if self._numbers.due:
            self.write_numbers(wait=False)

    def write_numbers(self, *, wait: bool = True) -> None:
        """Write the numbers that wait; ``wait`` as in `write`."""
        for (step, runs), numbers in self._numbers.taken(wait=wait):
            columns = {name: _column(values) for name, values in numbers.items()}
            for place, run in enumerate(runs):
                if run in self.writers:
                    self.writers[run].log(step, {name: column[place] for name, column in columns.items()})

    def end(self, run: int, status: str, reason: str, *, seconds: float = 0.0) -> None:
        """End a run's log, if it has not ended; one that has diverged says so.

        Raises:
            LogError: the disk refuses; it can be tried again.
        """
        if run in self.writers:
            if run in self.divergences:
                status, reason = "diverged", self.divergences[run]
            self.writers[run].close(status, reason, recording_seconds=seconds)
            del self.writers[run]
            if not self.writers:
                not_at_end(self)

    def forget(self) -> None:
        """Take the logs of all runs for ended."""
        self.writers = {}
        not_at_end(self)

    def rescue(self) -> None:
        """Have all rows so far on the disk: the process ends, or nobody is left to close the logs, which stay open."""
        if self.writers and all(writer.open_here for writer in self.writers.values()):
            self.write()
            for writer in self.writers.values():
                writer.rescue()

    def __del__(self) -> None:
        rescued(self, "writers")


def _column(values: float | torch.Tensor) -> list[float]:
    """What is logged of each run."""
    return values.flatten().tolist() if isinstance(values, torch.Tensor) else [values]
