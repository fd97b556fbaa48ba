"""Rows that are being collected: the arrays a step is copied into, with the journal that keeps them safe meanwhile."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.log.journal import journal_head
from probes.log.layout import JOURNAL, Series, checked_name
from probes.log.manifest import Manifest
from probes.log.rows import ENTRY, Gap, Rows, as_scalars, due
from probes.log.writing.journal_writer import Journal
from probes.log.writing.precision import rounded
from probes.schedules import Schedule

__all__ = ["Block"]

_MOST_ENTRIES = 2**16  # logged values of one block, so that a run without series stays bounded
_MOST_OWN = 2**24  # bytes of the rows of a series that has a schedule of its own, or one row
_NO_ENTRIES = np.empty(0, ENTRY)
_ALIGNMENT = 64  # bytes

# Memory of blocks that are sealed, for the next ones of the process: to be given new pages by the system costs as much
# as to fill them.
_SPARE: deque[NDArray[np.uint8]] = deque(maxlen=2)


class Block:
    """The rows of one segment to be; memory is touched, so really taken, only as rows come.

    Example:
        >>> from probes.log.layout import Series
        >>> block = Block(Path(), Manifest("seed-0", (Series("w", ("neuron",), (2,)),)), index=0, capacity=8)
        >>> block.append(0, {"w": np.ones(2, "f4")})
        >>> block.pending, block.flush(), block.pending
        (1, 104, 0)
    """

    count: int = 0  # rows that are in
    freed: bool = False  # whether the rows are gone

    # Of the journal its whole bytes, and the rows and logged values in them; set at once, so that an interrupt can only
    # have the same appended again, at the same place.
    _flushed = (0, 0, 0)

    def __init__(
        self,
        run_dir: Path,
        manifest: Manifest,
        *,
        index: int,
        capacity: int,
        gap: Gap | None = None,
        after: int = -1,
        earlier: int = 0,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self.index = index
        self.earlier = earlier  # rows that the blocks before took in
        self.journal = Journal(run_dir / JOURNAL.format(index), journal_head(manifest, index, gap, after=after), check)
        self._after = after
        self._gap = gap
        self._attempt = len(manifest.attempts)
        self._steps = np.empty(capacity, np.int64)
        self._own = _own_rows(manifest, capacity)
        rooms = [(one, self._own[one.name].most if one.name in self._own else capacity) for one in manifest.series]
        self._memory = _memory(sum(_room(*pair) for pair in rooms))
        self._arrays = dict(_carved(self._memory, rooms))
        self._coarse = [(one.name, self._arrays[one.name], one.bits) for one in manifest.series if one.precision]
        self._places = [(name, array, array.shape[1:]) for name, array in self._arrays.items()]
        self._names: dict[str, int] = {}
        self._entries: list[tuple[int, int, float]] = []

    @property
    def full(self) -> bool:
        """Whether no further row should come in."""
        return self.count == len(self._steps) or self.crowded or any(map(self._is_full, self._own.values()))

    def _is_full(self, own: "_OwnRows") -> bool:
        return bool(own.ends[self.count] == own.most)

    @property
    def crowded(self) -> bool:
        """Whether no further scalars should come in."""
        return len(self._entries) >= _MOST_ENTRIES

    @property
    def pending(self) -> int:
        """Rows that the journal does not have yet."""
        return self.count - self._flushed[1]

    def free(self) -> None:
        """Let another block have the memory: the rows are gone."""
        if not self.freed:
            self.freed = True
            self._arrays, self._places, self._coarse = {}, [], []
            _SPARE.append(self._memory)

    @property
    def last(self) -> int:
        """The last step that was kept, here or before; -1 = none."""
        return int(self._steps[self.count - 1]) if self.count else self._after

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.count or self._entries or self._gap)

    def append(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Copy one step in; a ValueError or TypeError if it is not as the manifest says."""
        if self._own:
            self.extend([step], self._with_step(step, arrays))
            return
        if arrays.keys() != self._arrays.keys():
            raise ValueError(f"expected arrays {sorted(self._arrays)} at step {step}, got {sorted(arrays)}")
        row = self.count
        for name, array, shape in self._places:
            given = arrays[name]
            if given.shape != shape:
                raise ValueError(f"series `{name}`: expected shape {shape} at step {step}, got {given.shape}")
            if given.dtype == array.dtype:  # a plain assignment takes half the time
                array[row] = given
            else:
                np.copyto(array[row, ...], given, casting="same_kind")
        if self._coarse:
            self._round(row, row + 1)
        self._steps[row] = step
        self.count = row + 1  # the commit mark, last

    def extend(self, steps: Sequence[int], arrays: Mapping[str, NDArray[Any]]) -> int:
        """Copy steps in, ``(step, *dims)``, and return how many there was room for; errors as `append`'s."""
        if arrays.keys() != self._arrays.keys():
            raise ValueError(f"expected arrays {sorted(self._arrays)} at step {steps[0]}, got {sorted(arrays)}")
        first = self.count
        last = first + self._room_for(steps)
        for name, array, shape in self._places:
            given = arrays[name]
            number = len(steps) if name not in self._own else self._own[name].of(steps)
            if given.shape != (number, *shape):
                wanted = f"expected shape {(number, *shape)} at steps {steps[0]} to {steps[-1]}"
                raise ValueError(f"series `{name}`: {wanted}, got {given.shape}")
            low, high = self._stretch(name, first, last)
            np.copyto(array[low:high], given[: high - low], casting="same_kind")
        self._round(first, last)
        self._steps[first:last] = steps[: last - first]
        self.count = last  # the commit mark, last
        return last - first

    def _with_step(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The arrays of one step as those of several, with none for the series that have no row at it."""
        absent = {name for name, own in self._own.items() if not own.of([step])}
        if unwanted := sorted(absent & arrays.keys()):
            raise ValueError(f"expected no `{unwanted[0]}` at step {step}, which its schedule leaves out, got some")
        nothing = {name: array[:0] for name, array in self._arrays.items() if name in absent}
        return nothing | {name: array[np.newaxis] for name, array in arrays.items()}

    def _room_for(self, steps: Sequence[int]) -> int:
        """For how many of the steps there is room; notes which of them have a row of each series."""
        fits = min(len(steps), len(self._steps) - self.count)
        for own in self._own.values():
            fits = min(fits, own.note(self.count, steps[:fits]))
        return fits

    def _stretch(self, name: str, first: int, last: int) -> tuple[int, int]:
        """The rows of a series at steps that are in, from one place and below another."""
        ends = self._own[name].ends if name in self._own else None
        return (first, last) if ends is None else (int(ends[first]), int(ends[last]))

    def _round(self, first: int, last: int) -> None:
        for name, array, bits in self._coarse:
            low, high = self._stretch(name, first, last)
            array[low:high] = rounded(array[low:high], bits)

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Take in all values or none: a ValueError or TypeError if one is none, or a name is not one for a file."""
        known = self._names
        values = [(name if name in known else checked_name(name), float(value)) for name, value in scalars.items()]
        for name, value in values:
            number = known.setdefault(name, len(known))
            self._entries.append((step, number, value))

    def flush(self) -> int:
        """Append what is new to the journal; the bytes that took. After an OSError nothing is lost."""
        before, start, first = self._flushed
        self.journal.end = before
        stop, logged = self.count, len(self._entries)
        if stop == start and logged == first and (before or not self._gap):
            return 0
        entries = np.array(self._entries[first:], ENTRY) if logged > first else _NO_ENTRIES
        arrays = [array[slice(*self._stretch(name, start, stop))] for name, array in self._arrays.items()]
        self.journal.append(self._steps[start:stop], arrays, list(self._names), entries)
        self._flushed = (self.journal.end, stop, logged)
        return self.journal.end - before

    def rows(self) -> Rows:
        """All that is in, without a copy."""
        count = self.count
        arrays = {name: array[: self._stretch(name, 0, count)[1]] for name, array in self._arrays.items()}
        scalars = as_scalars(list(self._names), np.array(self._entries, ENTRY))
        gaps = [self._gap] if self._gap else []
        return Rows(self._steps[:count], arrays, scalars, gaps, attempt=self._attempt)


class _OwnRows:
    """Which steps of a block have a row of a series that has no row at others.

    Args:
        schedule: Names these steps.
        capacity: Steps that the block holds.
        most: Rows of the series for which there is room.
    """

    def __init__(self, schedule: Schedule, capacity: int, most: int) -> None:
        self._schedule, self.most = schedule, most
        self.ends = np.zeros(capacity + 1, np.int64)  # rows at the first so many steps

    def of(self, steps: Sequence[int]) -> int:
        """How many rows such steps have."""
        return int(due(self._schedule, steps).sum())

    def note(self, count: int, steps: Sequence[int]) -> int:
        """Take down which steps have rows, after so many others; for how many of them there is room."""
        ends = self.ends[count] + np.cumsum(due(self._schedule, steps))
        self.ends[count + 1 : count + 1 + len(steps)] = ends
        return int(np.searchsorted(ends, self.most, "right"))


def _own_rows(manifest: Manifest, capacity: int) -> dict[str, _OwnRows]:
    """By name, of the series that have not a row at every step; of a large one there is room for few rows."""
    found: dict[str, _OwnRows] = {}
    for one in manifest.series:
        schedule = manifest.schedules.get(one.name)
        if schedule is not None and not schedule.always:
            most = min(capacity, max(1, _MOST_OWN // one.row_bytes)) if one.schedule else capacity
            found[one.name] = _OwnRows(schedule, capacity, most)
    return found


def _memory(size: int) -> NDArray[np.uint8]:
    with suppress(IndexError):
        spare = _SPARE.pop()
        if len(spare) == size:
            return spare
    return np.empty(size, np.uint8)


def _room(one: Series, capacity: int) -> int:
    return -(-capacity * one.row_bytes // _ALIGNMENT) * _ALIGNMENT


def _carved(memory: NDArray[np.uint8], rooms: Sequence[tuple[Series, int]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and array of every series, ``(row, *dims)``, one after the other in the memory."""
    start = 0
    for one, capacity in rooms:
        content = memory[start : start + capacity * one.row_bytes]
        yield one.name, content.view(one.dtype).reshape(capacity, *one.shape)
        start += _room(one, capacity)
