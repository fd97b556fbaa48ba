"""Frames of a journal as they are read: checked a piece at a time, so that no file takes more memory than its steps.

A file may come from strangers: what it declares is believed only as far as the file reaches and a writer could go.
"""

import os
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from isal.isal_zlib import crc32  # that of zlib, in a tenth of the time or less
from numpy.typing import NDArray

from probes.files.durable import LARGEST_FILE, refusal
from probes.log.layout import MOST_SCALARS, Series
from probes.log.rows import ENTRY, Scalars, as_scalars, due
from probes.schedules import Schedule

__all__ = ["Frame", "StoredFrames", "frame_at", "journal_file"]

FRAME = struct.Struct("<4s3I")
FRAME_MAGIC = b"rows"
CHECKSUM = struct.Struct("<I")

_PIECE = 2**20  # bytes that are read at a time
_LONGEST_NAME = 4 * 255 + 1  # bytes, with what ends it
MOST_ENTRIES = 2**17  # logged values of a journal; a writer begins the next one at half as many


@contextmanager
def journal_file(path: Path) -> Iterator[int]:
    """The number of a plain file, open for reading; a link, a pipe or what is too large is refused.

    Raises:
        LogError: it is none, too large, or cannot be read.
        FileNotFoundError: there is none.

    Example:
        >>> _ = Path("journal").write_bytes(b"rows")
        >>> with journal_file(Path("journal")) as file:
        ...     os.read(file, 4)
        b'rows'
    """
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise refusal(path, f"expected a plain file, got {'a link' if stat.S_ISLNK(mode) else 'something else'}")
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError as error:
        advice = "give yourself the right to read it"
        raise refusal(path, "expected a file that can be read, got no permission", advice) from error
    try:
        size = os.fstat(file).st_size
        if size > LARGEST_FILE:
            raise refusal(path, f"expected at most {LARGEST_FILE} bytes, got {size}")
        yield file
    finally:
        os.close(file)


class Frame(NamedTuple):
    """A frame that is whole: its steps and scalars, and where its arrays lie.

    Example:
        >>> Frame(np.arange(2), {}, ((2, 64),), 0, 128).steps
        array([0, 1])
    """

    steps: NDArray[np.int64]
    scalars: Scalars
    places: tuple[tuple[int, int], ...]  # rows and first byte of the array of each series
    entries: int  # logged values
    end: int  # first byte after it


def frame_at(file: int, offset: int, series: Sequence[tuple[Series, Schedule | None]], seed: int) -> Frame | None:
    """The frame that begins there; nothing if it is not whole, or no writer writes such a one.

    With each series comes the schedule that says which of the steps have a row of it; none where all have.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     frame_at(file.fileno(), 0, (), seed=0)
    """
    head = os.pread(file, FRAME.size + CHECKSUM.size, offset)
    if len(head) < FRAME.size + CHECKSUM.size or CHECKSUM.pack(crc32(head[: FRAME.size], seed)) != head[FRAME.size :]:
        return None
    _, count, table, entries = FRAME.unpack_from(head)
    start = offset + len(head)
    possible = table <= MOST_SCALARS * _LONGEST_NAME and entries <= MOST_ENTRIES
    length = os.fstat(file).st_size
    steps = _rising(file, start, count) if possible and start + 8 * count <= length else None
    if steps is None:
        return None
    rows = [count if schedule is None else int(due(schedule, steps).sum()) for _, schedule in series]
    arrays = [number * one.row_bytes for number, (one, _) in zip(rows, series, strict=True)]
    *places, names, values, end = accumulate([8 * count, *arrays, table, entries * ENTRY.itemsize], initial=start)
    if end + CHECKSUM.size > length or not _is_whole(file, start, end, seed):
        return None
    text = os.pread(file, table, names)
    if text.count(b"\n") >= MOST_SCALARS:
        return None
    known = text.decode(errors="replace").split("\n") if table else []
    logged = np.frombuffer(os.pread(file, end - values, values), ENTRY)
    found = tuple(zip(rows, places[1:], strict=True))
    return Frame(steps, as_scalars(known, logged), found, entries, end + CHECKSUM.size)


def _rising(file: int, start: int, count: int) -> NDArray[np.int64] | None:
    """The steps; nothing as soon as they do not rise, as those of a stretch that was never written."""
    pieces: list[NDArray[np.int64]] = []
    last = -1
    for low, high in _pieces(start, start + 8 * count):
        steps = np.frombuffer(os.pread(file, high - low, low), "<i8")
        if steps[0] <= last or (np.diff(steps) <= 0).any():
            return None
        last = int(steps[-1])
        pieces.append(steps)
    return np.concatenate([np.empty(0, np.int64), *pieces])


def _is_whole(file: int, start: int, end: int, seed: int) -> bool:
    """Whether the stretch is followed by its checksum."""
    for low, high in _pieces(start, end):
        seed = crc32(os.pread(file, high - low, low), seed)
    return CHECKSUM.pack(seed) == os.pread(file, CHECKSUM.size, end)


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    return pairwise([*range(start, end, _PIECE), end])


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """The array of a series in the whole frames of a journal, read a slice of rows at a time.

    Example:
        >>> StoredFrames(Path("seg-000000.wal"), b"", Series("w", (), ()), [])[:]
        array([], dtype=float32)
    """

    path: Path
    head: bytes  # what the file begins with, by which it is known again
    series: Series
    places: list[tuple[int, int, int]] = field(default_factory=list)  # first row, rows, first byte; of each frame

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        first, *rest = index if isinstance(index, tuple) else (index,)
        low, high, step = first.indices(sum(count for _, count, _ in self.places))
        values = self._read(low, high)[::step] if low < high else self._shaped(b"")
        return values[:, *rest] if rest else values

    def _read(self, low: int, high: int) -> NDArray[Any]:
        """The values of a stretch of rows; a FileNotFoundError if another file has come in place of the journal."""
        content: list[bytes] = []
        size = self.series.row_bytes
        with journal_file(self.path) as file:
            if os.pread(file, len(self.head), 0) != self.head:
                raise FileNotFoundError(self.path)
            for first, count, place in self.places:
                start, stop = max(low, first), min(high, first + count)
                if start < stop:
                    content.append(os.pread(file, (stop - start) * size, place + (start - first) * size))
        values = self._shaped(b"".join(content))
        if len(values) != high - low:
            raise FileNotFoundError(self.path)
        return values

    def _shaped(self, content: bytes) -> NDArray[Any]:
        shape = self.series.shape
        row = max(1, self.series.row_bytes)
        return np.frombuffer(content[: len(content) // row * row], self.series.dtype).reshape(-1, *shape)
