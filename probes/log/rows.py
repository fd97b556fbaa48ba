"""Recorded rows as they are handed around: held in memory, or read from a file when they are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from probes.schedules import Schedule

__all__ = ["Rows", "due"]

Scalars = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]  # name -> steps, values in the order logged

# One logged value as a journal holds it; `name` counts in a table of names.
ENTRY = np.dtype([("step", "<i8"), ("name", "<u4"), ("value", "<f8")])


class Gap(NamedTuple):
    """Rows that a writer was given and could not keep."""

    first: int
    last: int
    rows: int


class Sliceable(Protocol):
    """A recorded array, axes ``(step, *dims)``, in memory or in a file."""

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """The values at a slice of rows, then any whole numbers and rising slices of the other axes."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A stretch of a log: the steps that were recorded, and what was recorded at them.

    Example:
        >>> rows = Rows(np.array([0, 5]), {"loss": np.array([2.0, 1.0])}, {})
        >>> len(rows), rows.arrays["loss"][1:]
        (2, array([1.]))
    """

    steps: NDArray[np.int64]
    arrays: Mapping[str, Sliceable]  # of a series that has a schedule of its own a row for each step that it names
    scalars: Scalars
    gaps: Sequence[Gap] = ()
    faults: list[str] = field(default_factory=list)  # grows when reading finds damage
    file: str = ""  # name of the file that holds them
    attempt: int = 0  # counts how often the run had been resumed
    superseded: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))  # further rows at its end
    after: int = -1  # the step recorded before its first; -1 = none, or not told
    _known: dict[Schedule, NDArray[np.int64]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.steps)

    def steps_of(self, schedule: Schedule | None) -> NDArray[np.int64]:
        """The steps at which a series of that schedule has rows; without one, all."""
        if schedule is None or schedule.always:
            return self.steps
        if schedule not in self._known:
            self._known[schedule] = self.steps[due(schedule, self.steps)]
        return self._known[schedule]

    def rows_in_file(self, schedule: Schedule | None) -> int:
        """How many rows a series of that schedule has in the file, with those that no longer count."""
        return len(self.steps_of(schedule)) + int(due(schedule, self.superseded).sum())

    def up_to(self, step: int) -> Self:
        """What is left when the run is resumed from a step: the rest is superseded."""
        kept = int(np.searchsorted(self.steps, step, "right"))
        scalars = {
            name: (steps[steps <= step], values[steps <= step]) for name, (steps, values) in self.scalars.items()
        }
        gaps = [gap for gap in self.gaps if gap.first <= step]
        superseded = np.concatenate([self.steps[kept:], self.superseded])
        return replace(self, steps=self.steps[:kept], scalars=scalars, gaps=gaps, superseded=superseded)


def due(schedule: Schedule | None, steps: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of some steps a schedule has recorded: those that it names, and step 0, the initialisation.

    Example:
        >>> from probes.schedules import at
        >>> due(at(5), [0, 1, 5])
        array([ True, False,  True])
    """
    if schedule is None or schedule.always:
        return np.ones(len(steps), np.bool_)
    return np.fromiter((step == 0 or schedule(step) for step in np.asarray(steps).tolist()), np.bool_, len(steps))


def as_scalars(names: Sequence[str], entries: NDArray[np.void]) -> Scalars:
    """The entries, an array of `ENTRY`, by name."""
    order = np.argsort(entries["name"], kind="stable")  # in time that does not grow with the number of names
    ordered = entries[order]
    numbers, starts = np.unique(ordered["name"], return_index=True)
    parts = np.split(ordered, starts[1:]) if len(ordered) else []
    pairs = zip(numbers.tolist(), parts, strict=True)
    return {names[number]: (one["step"].copy(), one["value"].copy()) for number, one in pairs if number < len(names)}


def join_scalars(parts: Iterable[Scalars]) -> Scalars:
    """The scalars of several stretches as of one, names in alphabetical order."""
    found: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
    for part in parts:
        for name, column in part.items():
            found.setdefault(name, []).append(column)
    return {
        name: (np.concatenate([steps for steps, _ in columns]), np.concatenate([values for _, values in columns]))
        for name, columns in sorted(found.items())
    }


def latest(scalars: Scalars) -> Scalars:
    """The scalars with one value a step and name, that which was logged last, as where training was resumed before it.

    Example:
        >>> latest({"loss": (np.array([0, 5, 5]), np.array([2.0, 1.0, 0.5]))})
        {'loss': (array([0, 5]), array([2. , 0.5]))}
    """
    return {name: column if _rise(column[0]) else _of_each_step(*column) for name, column in scalars.items()}


def _rise(steps: NDArray[np.int64]) -> bool:
    return bool((steps[1:] > steps[:-1]).all())


def _of_each_step(
    steps: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    found, back = np.unique(steps[::-1], return_index=True)
    return found, values[::-1][back]


class _Steps(Protocol):
    @property
    def steps(self) -> NDArray[np.int64]: ...


def join_steps(parts: Iterable[_Steps]) -> NDArray[np.int64]:
    """The steps of several stretches as of one."""
    return np.concatenate([np.empty(0, np.int64), *(part.steps for part in parts)])
