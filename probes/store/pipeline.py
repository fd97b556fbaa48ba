"""The way of rows from the caller to sealed segments, which a full disk stops but does not break."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from numpy.typing import NDArray

from probes.files.durable import sync_folder, write_whole
from probes.log.layout import MERGED, MOST_SCALARS, SEGMENT
from probes.log.manifest import Manifest
from probes.log.rows import Gap, due
from probes.log.writing.block import Block
from probes.log.writing.compression import FAST
from probes.log.writing.sealer import Sealer
from probes.log.writing.segment import CHUNK_STEPS, LEVEL, segment_bytes

__all__ = ["Pipeline"]

_FLUSH_BYTES = 2**20  # that a journal is given at once, while they are in the cache of a core
_MOST_WAITING = 3  # full blocks; with the one that fills four are in memory
_FIRST_DELAY, _LONGEST_DELAY = 1.0, 60.0  # seconds until a disk that refused is tried again


class Pipeline:
    """Takes rows into a block, appends them to its journal every so many rows or seconds, and has it sealed when full.

    While the disk refuses, rows stay in memory and writing is tried again; when the memory for them is full, they are
    left out, and the next block begins with the gap. A warning says so once.

    Example:
        >>> pipeline = Pipeline(Path(), Manifest("seed-0", ()), block_bytes=2**20, flush_every=16, flush_seconds=1.0)
        >>> pipeline.append(0, {})
        True
        >>> pipeline.finish()
        >>> pipeline.bytes_written > 0
        True
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        *,
        block_bytes: int,
        flush_every: int,
        flush_seconds: float,
        index: int = 0,
        compression: str = "gzip",
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self._check = check  # raises where the folder has become another's
        self._path, self._manifest, self._compression = path, manifest, compression
        self._row_bytes = 8 + sum(one.row_bytes for one in manifest.series if not one.schedule)
        self._flush_every = max(1, min(flush_every, _FLUSH_BYTES // self._row_bytes))
        self._flush_seconds = flush_seconds
        rows = max(1, block_bytes // self._row_bytes)
        self._capacity = rows // CHUNK_STEPS * CHUNK_STEPS or rows
        self._block = Block(path, manifest, index=index, capacity=self._capacity, check=check)
        self._sealer = Sealer(self._seal_and_free)
        self._names: set[str] = set()  # of scalars
        self._gap: Gap | None = None  # rows left out since the last block began
        self._doubted = False  # whether the journal could not be synced
        self._journalled = self._sealed = 0
        self._flush_at = self._retry_at = self._delay = 0.0

    @property
    def rows(self) -> int:
        """Rows taken in, also where an interrupt came before `append` could say so."""
        return self._block.earlier + self._block.count

    @property
    def bytes_written(self) -> int:
        """Bytes handed to the disk so far."""
        return self._journalled + self._sealed

    def append(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Whether the row was kept; a ValueError or TypeError if it is not as the manifest says."""
        if self._block.full and not self._turn():
            self._leave_out(step, 1)
            return False
        self._block.append(step, arrays)
        self._flush_when_due()
        return True

    def extend(self, steps: Sequence[int], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take in several rows at once, ``(step, *dims)``; errors as `append`'s."""
        taken = 0
        while taken < len(steps):
            if self._block.full and not self._turn():
                for step in steps[taken:]:
                    self._leave_out(step, 1)
                return
            taken += self._block.extend(steps[taken:], self._left(steps[:taken], arrays))
            self._flush_when_due()

    def _left(self, steps: Sequence[int], arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """What is left of the arrays after the rows of some steps."""
        of = self._manifest.schedules
        return {
            name: array[int(due(of[name], steps).sum()) if name in of else len(steps) :]
            for name, array in arrays.items()
        }

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Take in scalars; a ValueError if a name is not one that a file can hold, or there are too many."""
        if not self._names >= scalars.keys():
            if len(self._names | scalars.keys()) > MOST_SCALARS:
                raise ValueError(f"expected at most {MOST_SCALARS} names of scalars in `{self._path}`, got more")
            self._names |= scalars.keys()
        if self._block.crowded and not self._turn():
            self._leave_out(step, 0)
            return
        self._block.log(step, scalars)
        self._flush_when_due()

    def sync(self) -> None:
        """Make all rows survive a power cut; an OSError if the disk refuses."""
        self._drain()
        if self._gap or self._doubted:  # the next journal tells of the gap; of this one's rows a segment is made
            self._turn()
            self._doubted = False
            self._drain()
        self._journalled += self._block.flush()
        try:
            self._block.journal.sync()
        except OSError:
            self._doubted = True  # the system may have dropped what it could not write, and says so only once
            raise
        sync_folder(self._path)

    def rescue(self) -> None:
        """Have the journal hold all rows, whatever other threads do; an OSError if the disk refuses."""
        self._journalled += self._block.flush()
        self._block.journal.sync()

    def finish(self) -> None:
        """Seal all rows, those of a single block as log.h5; after an OSError it can be tried again."""
        self._drain()
        if self._gap:
            self._turn()
            self._drain()
        if self._block.index == 0:
            self._store(self._block, MERGED)
        elif not self._block.empty:
            self._seal(self._block)

    @property
    def needed(self) -> int:
        """Bytes, at most, that the rows in memory take on the disk."""
        return (self._sealer.waiting * self._capacity + self._block.count) * self._row_bytes

    def _flush_when_due(self) -> None:
        if self._block.pending >= self._flush_every or monotonic() >= self._flush_at:
            self._flush()

    def _flush(self) -> None:
        now = monotonic()
        self._flush_at = now + self._flush_seconds
        if now < self._retry_at:
            return
        try:
            self._journalled += self._block.flush()
            self._sealer.retry()
        except OSError as error:
            self._postpone(error)
        else:
            if not self._sealer.waiting:
                self._delay = 0.0

    def _turn(self) -> bool:
        """Whether the full block could go and a new one begin; it cannot while a full disk holds up too many."""
        self._flush()
        if not self._delay:
            self._sealer.wait(_MOST_WAITING - 1)
        if self._sealer.waiting >= _MOST_WAITING:
            return False
        self._sealer.submit(self._block)
        self._block = Block(
            self._path,
            self._manifest,
            index=self._block.index + 1,
            capacity=self._capacity,
            gap=self._gap,
            after=self._block.last,
            earlier=self._block.earlier + self._block.count,
            check=self._check,
        )
        self._gap = None
        return True

    def _drain(self) -> None:
        self._sealer.wait(0)
        with suppress(OSError):
            self._sealer.retry()  # what failed earlier, or was failing just now, is tried again
        self._sealer.wait(0)
        self._sealer.retry()

    def _seal(self, block: Block, *, hurried: bool = False) -> None:
        self._store(block, SEGMENT.format(block.index), level=0 if hurried else FAST)

    def _seal_and_free(self, block: Block, *, hurried: bool) -> None:
        if not block.freed:  # as it is where an interrupt had it handed over twice
            self._seal(block, hurried=hurried)
        if block is not self._block:  # as it still is where an interrupt came before there was another
            block.free()

    def _store(self, block: Block, name: str, *, level: int = LEVEL) -> None:
        data = segment_bytes(self._manifest, block.rows(), compression=self._compression, level=level)
        self._check()
        write_whole(self._path / name, data)
        self._sealed += len(data)
        block.journal.remove()

    def _postpone(self, error: OSError) -> None:
        first = not self._delay
        self._delay = min(2 * self._delay or _FIRST_DELAY, _LONGEST_DELAY)
        self._retry_at = monotonic() + self._delay
        if first:
            self._warn(f"{error.strerror}; rows stay in memory and are written later; free {self.needed} bytes")

    def _leave_out(self, step: int, rows: int) -> None:
        before = self._gap
        self._retry_at = min(self._retry_at, monotonic() + _FIRST_DELAY)  # rows are lost until the disk has space
        first, last, so_far = before or (step, step, 0)
        self._gap = Gap(min(first, step), max(last, step), so_far + rows)
        if before is None:
            self._warn(f"memory for rows is full; from step {step} on they are left out; free {self.needed} bytes")

    def _warn(self, text: str) -> None:
        warnings.warn(f"`{self._path}`: {text}", RuntimeWarning, stacklevel=2)
