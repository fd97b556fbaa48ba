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
from probes.log.rows import ENTRY, Gap, Rows, as_scalars
from probes.log.writing.journal_writer import Journal
from probes.log.writing.precision import rounded

__all__ = ["Block"]

_MOST_ENTRIES = 2**16  # logged values of one block, so that a run without series stays bounded
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
        self._memory = _memory(sum(_room(one, capacity) for one in manifest.series))
        self._arrays = dict(_carved(self._memory, manifest.series, capacity))
        self._coarse = [(self._arrays[one.name], one.bits) for one in manifest.series if one.precision]
        self._places = [(name, array, array.shape[1:]) for name, array in self._arrays.items()]
        self._names: dict[str, int] = {}
        self._entries: list[tuple[int, int, float]] = []

    @property
    def full(self) -> bool:
        """Whether no further row should come in."""
        return self.count == len(self._steps) or self.crowded

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
        last = min(first + len(steps), len(self._steps))
        for name, array, shape in self._places:
            given = arrays[name]
            if given.shape != (len(steps), *shape):
                wanted = f"expected shape {(len(steps), *shape)} at steps {steps[0]} to {steps[-1]}"
                raise ValueError(f"series `{name}`: {wanted}, got {given.shape}")
            np.copyto(array[first:last], given[: last - first], casting="same_kind")
        self._round(first, last)
        self._steps[first:last] = steps[: last - first]
        self.count = last  # the commit mark, last
        return last - first

    def _round(self, first: int, last: int) -> None:
        for array, bits in self._coarse:
            array[first:last] = rounded(array[first:last], bits)

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
        arrays = [array[start:stop] for array in self._arrays.values()]
        self.journal.append(self._steps[start:stop], arrays, list(self._names), entries)
        self._flushed = (self.journal.end, stop, logged)
        return self.journal.end - before

    def rows(self) -> Rows:
        """All that is in, without a copy."""
        arrays = {name: array[: self.count] for name, array in self._arrays.items()}
        scalars = as_scalars(list(self._names), np.array(self._entries, ENTRY))
        gaps = [self._gap] if self._gap else []
        return Rows(self._steps[: self.count], arrays, scalars, gaps, attempt=self._attempt)


def _memory(size: int) -> NDArray[np.uint8]:
    with suppress(IndexError):
        spare = _SPARE.pop()
        if len(spare) == size:
            return spare
    return np.empty(size, np.uint8)


def _room(one: Series, capacity: int) -> int:
    return -(-capacity * one.row_bytes // _ALIGNMENT) * _ALIGNMENT


def _carved(memory: NDArray[np.uint8], series: tuple[Series, ...], capacity: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and array of every series, ``(row, *dims)``, one after the other in the memory."""
    start = 0
    for one in series:
        content = memory[start : start + capacity * one.row_bytes]
        yield one.name, content.view(one.dtype).reshape(capacity, *one.shape)
        start += _room(one, capacity)
