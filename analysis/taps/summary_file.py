"""Summaries in a file beside the log: which log they are of, how they are written, and how they are read again.

`summaries.npz`, in the run's directory, is what `numpy.load` opens; it can be deleted at any time. It holds
``<row>.npy``, the statistics of the rows from that one on, ``(statistic, step, class, view)``; ``<row>.null.npy``,
``(step,)``; ``extremes.npy``, ``(extreme, class, neuron, feature_class, view)``; and ``key.json``, what the log was
when it was read. Bytes: 5/(m k) of those of the correlations, m neurons a class, k classes.
"""

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from probes.analysis.taps.passes import Block, parts_of
from probes.analysis.taps.statistics import Extremes, Statistics
from probes.analysis.taps.tap import Tap
from probes.errors import LogError
from probes.files.durable import check_plain, create_beside
from probes.log.layout import DIRECTIONS, MANIFEST, SUMMARIES, Series
from probes.log.protocol import LogLike

__all__ = ["Kept", "key_of", "opened", "write"]

# Changes when the statistics do, so that no older file answers for them.
_VERSION = 3
_KEY, _EXTREMES, _NULL = "key.json", "extremes.npy", ".null.npy"
_MOST_KEY_BYTES = 2**24
_MOST_DIRECTORY_BYTES = 2**22
_END, _LARGE_END, _LOCATOR = (
    struct.Struct("<4s8xI6x"),
    struct.Struct("<4s36xQ8x"),
    20,
)  # of an archive, and of a large one
_ENDS = _LARGE_END.size + _LOCATOR + _END.size
_HEADER_BYTES = 2**12  # more than NumPy writes before an array
# All that damage raises in zipfile and in NumPy; MemoryError where it declares more than there is memory.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    MemoryError,
    LogError,
    struct.error,
)


def key_of(log: LogLike, tap: Tap) -> dict[str, Any] | None:
    """Return what identifies a tap of a log as it is now; None where nothing can be kept of it, as of a log in memory.

    It holds the series, the files that have the rows, by size and time of change, the manifest, and which rows there
    are.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.taps.tap import taps_of
        >>> log = example_study()[0]
        >>> key_of(log, taps_of(log)["correlations"]) is None
        True
    """
    names = sorted({str(getattr(part, "file", "")) for part in parts_of(log)})
    if not names or "" in names:
        return None
    try:
        seen = [(log.path / name).stat() for name in (*names, MANIFEST)]
    except OSError:
        return None
    own = log.path / DIRECTIONS  # the null is judged by them
    seen += [own.stat()] if own.is_file() else []
    said = json.dumps(log.manifest.to_json(), sort_keys=True, default=str)

    return {
        "version": _VERSION,
        "series": tap.name,
        "manifest": sha256(said.encode()).hexdigest(),
        "status": log.status,
        "rows": len(log.steps),
        "steps": sha256(log.steps.tobytes()).hexdigest(),
        "files": names,
        "seen": [[found.st_size, found.st_mtime_ns] for found in seen],
    }


class Kept:
    """A file of summaries that is open, of the log that it was written for.

    Args:
        file: The archive.
        series: The series of an own-class tap.
        shape: What its rows are read as, ``(class, neuron, feature_class, view)``.
        starts: The first row of each part, and the number of rows.
    """

    def __init__(self, file: zipfile.ZipFile, series: Series, shape: tuple[int, ...], starts: list[int]) -> None:
        self._file = file
        self._dtype, self._shape = np.dtype(series.dtype), shape
        self.spans = list(pairwise(starts))

    def statistics(self, span: tuple[int, int]) -> Statistics | None:
        """Return the statistics of one of the spans of rows; None where the file is damaged there."""
        length = span[1] - span[0]
        found = self._array(f"{span[0]}.npy", (5, length, self._shape[0], self._shape[-1]), self._dtype)
        null = self._array(f"{span[0]}{_NULL}", (length,), np.dtype(np.float64))

        if found is None or null is None:
            return None
        strength, peak, neuron, off_strength, off_peak = found
        return Statistics(strength, peak, neuron.astype(np.int32), off_strength, off_peak, null)

    def extremes(self) -> Extremes | None:
        """Return the extremes over all rows; None where the file is damaged there."""
        found = self._array(_EXTREMES, (4, *self._shape), self._dtype)

        return None if found is None else Extremes(*found)

    def _array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        try:
            data = _bytes(self._file, name, int(np.prod(shape)) * dtype.itemsize + _HEADER_BYTES)
            found: NDArray[Any] = np.load(BytesIO(data), allow_pickle=False)
        except _DAMAGE:
            return None

        return found if found.shape == shape and found.dtype == dtype else None


@contextmanager
def opened(log: LogLike, tap: Tap, key: dict[str, Any]) -> Iterator[Kept | None]:
    """Yield what is kept of a log, as long as its file is open; None where there is none, or it is of another state."""
    file = _archive(log.path / SUMMARIES)
    try:
        starts = _starts(file, key) if file else None
        yield Kept(file, log.series[tap.name], tap.own_shape, starts) if file and starts else None
    finally:
        if file:
            file.close()


def write(log: LogLike, tap: Tap, key: dict[str, Any], blocks: Iterable[Block]) -> bool:
    """Write the summaries of a log, whole or not at all; return whether they could be written.

    They are not kept where the log has changed since the key was made, or where it has turned out to be damaged: what
    is missing in it is told by whoever reads it.

    Args:
        log: The log.
        tap: Its own-class tap.
        key: What `key_of` said of it before it was read.
        blocks: All of its rows.
    """
    path = log.path / SUMMARIES
    try:
        with create_beside(path) as (target, temporary):
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
                starts = _write_blocks(file, blocks)
                file.writestr(_KEY, json.dumps({"key": key, "starts": starts}))
            target.flush()
            if key_of(log, tap) == key and not log.faults:
                os.replace(temporary, path)
                return True
    except OSError:  # a folder that is read-only, or a disk that is full
        pass

    return False


def _write_blocks(file: zipfile.ZipFile, blocks: Iterable[Block]) -> list[int]:
    """Write all arrays; return the first row of each block, and the number of rows."""
    starts, extremes = [0], None
    for block in blocks:
        *found, null = block.statistics
        _write_array(file, f"{block.start}.npy", np.stack(found, dtype=block.correlations.dtype, casting="unsafe"))
        _write_array(file, f"{block.start}{_NULL}", null)
        read = Extremes.of(block.correlations)
        extremes = extremes.joined(read) if extremes else read
        starts.append(block.start + len(block.correlations))
    if extremes:
        both = np.stack([extremes.first, extremes.last, extremes.smallest, extremes.largest])
        _write_array(file, _EXTREMES, both)

    return starts


def _write_array(file: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    with file.open(name, "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(values), allow_pickle=False)


def _archive(path: Path) -> zipfile.ZipFile | None:
    try:
        check_plain(path)
        with path.open("rb") as file:
            if _directory_bytes(file) > _MOST_DIRECTORY_BYTES:  # ZipFile reads all of it at once
                return None
        return zipfile.ZipFile(path)
    except _DAMAGE:
        return None


def _directory_bytes(file: BinaryIO) -> int:
    """Return the bytes of the directory of an archive that we wrote, without a comment; https://pkware.com/appnote."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _ENDS))
    tail = file.read(_ENDS)
    last, large = tail[-_END.size :], tail[: -_END.size][-_LOCATOR - _LARGE_END.size :][: _LARGE_END.size]
    signature, size = _END.unpack(last)
    if signature != b"PK\5\6":
        raise zipfile.BadZipFile("no end of an archive, or a comment after it")
    return int(_LARGE_END.unpack(large)[1] if large[:4] == b"PK\6\6" else size)


def _starts(file: zipfile.ZipFile, key: dict[str, Any]) -> list[int] | None:
    """Return where the blocks begin, and the number of rows; None where the file is of another log, or damaged."""
    try:
        found = json.loads(_bytes(file, _KEY, _MOST_KEY_BYTES))
        same = found["key"] == json.loads(json.dumps(key))
        starts = [int(start) for start in found["starts"]]
    except (*_DAMAGE, TypeError):
        return None
    rising = starts[0] == 0 and starts[-1] == key["rows"] and all(np.diff(starts) > 0)

    return starts if same and rising else None


def _bytes(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member's content; a ValueError if it is packed, or larger than it can be."""
    member = file.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
        raise ValueError(f"{member.file_size} bytes in `{name}`")

    return file.read(member)
