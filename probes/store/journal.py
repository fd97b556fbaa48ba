"""The journal as it is written: a frame for the rows that came, appended with a single call of the system."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from isal.isal_zlib import crc32  # that of zlib, in a tenth of the time or less
from numpy.typing import NDArray

from probes.files.durable import reserve
from probes.log.journal import CHECKSUM, FRAME, FRAME_MAGIC

__all__ = ["Journal"]

_AHEAD = 2**20  # bytes that there is room for, and at most twice as many: as large frames are, mostly
_MOST_BUFFERS = 1000  # os.writev takes at most 1,024

Buffers = Sequence[bytes | memoryview]


class Journal:
    """A journal being written; its file appears with the first frame.

    Example:
        >>> from probes.log.journal import journal_head, read_journal
        >>> from probes.log.manifest import Manifest
        >>> from probes.log.rows import ENTRY
        >>> journal = Journal(Path("seg-000000.wal"), journal_head(Manifest("seed-0", ()), 0))
        >>> journal.append(np.array([0]), [], ["loss"], np.array([(0, 0, 2.5)], ENTRY))
        >>> read_journal(Path("seg-000000.wal"), Manifest("seed-0", ()), 0).scalars
        {'loss': (array([0]), array([2.5]))}
        >>> journal.remove()
    """

    end: int = 0  # bytes that are written and whole

    def __init__(self, path: Path, head: bytes, check: Callable[[], object] = lambda: None) -> None:
        self.path = path
        self._check = check  # raises where the folder has become another's
        self._head = head
        self._seed = CHECKSUM.unpack(head[-CHECKSUM.size :])[0]
        self._file: int | None = None
        self._reserved = 0  # bytes there is room for, as far as that can be

    def append(
        self, steps: NDArray[np.int64], arrays: Sequence[NDArray[Any]], names: Sequence[str], entries: NDArray[np.void]
    ) -> None:
        """Append one frame with a single call of the system.

        Raises:
            OSError: the disk is full or refuses; the journal ends with its last whole frame, as before.
        """
        table = "\n".join(names).encode()
        frame = FRAME.pack(FRAME_MAGIC, len(steps), len(table), len(entries))
        frame += CHECKSUM.pack(crc32(frame, self._seed))
        payload: Buffers = [steps.data, *(array.data for array in arrays), table, entries.data]
        self._write([frame, *payload, CHECKSUM.pack(_checksum(payload, self._seed))])

    def sync(self) -> None:
        """Make what is written survive a power cut."""
        if self._file is not None:
            os.fsync(self._file)

    def remove(self) -> None:
        """Close and delete the file, unless another lies there now."""
        file, self._file = self._file, None  # first, since a number is free even if closing it fails
        if file is not None:
            os.close(file)
        self._check()
        self.path.unlink(missing_ok=True)

    def _write(self, buffers: Buffers) -> None:
        if self._file is None:
            self._check()
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self.path, flags, 0o666)
        if self.end == 0:
            buffers = [self._head, *buffers]
        elif self._reserved < self.end + _AHEAD:
            self._reserved = self.end + 2 * _AHEAD
            reserve(self._file, self.end, 2 * _AHEAD)
        try:
            self.end += _write_all(self._file, buffers, self.end)
        except OSError:
            # Not needed for the journal to be right, since the next frame starts at `end`; it frees the space.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.end)
            raise


def _checksum(buffers: Buffers, start: int) -> int:
    for buffer in buffers:
        start = crc32(buffer, start)
    return start


def _write_all(file: int, buffers: Buffers, offset: int) -> int:
    """Bytes written at the offset; a short write, as before a full disk, is carried on until it is an error."""
    if len(buffers) > _MOST_BUFFERS:
        buffers = [b"".join(buffers)]
    size = sum(memoryview(buffer).nbytes for buffer in buffers)
    written = os.pwritev(file, buffers, offset)
    if written < size:
        whole = b"".join(buffers)
        while written < size:
            written += os.pwrite(file, whole[written:], offset + written)
    return size
