"""The journal: recorded rows in frames with checksums, appended as they come, readable to the last whole frame.

A file is a head, then frames. Every number is little-endian; every checksum starts from the head's, so that a frame
counts only in its own file::

    head    magic, format, attempt, index, row bytes, identity of the run, gap (first, last, rows), step before,
            checksum
    frame   magic, number of rows, bytes of names, number of logged values, checksum,
            steps, array after array, names of the logged values, logged values, checksum
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from isal.isal_zlib import crc32  # that of zlib, in a tenth of the time or less

from probes.files.durable import read_whole, refusal
from probes.logs.layout import FORMAT_VERSION, Series, check_format
from probes.logs.manifest import Manifest
from probes.logs.rows import ENTRY, Gap, Rows, as_scalars, join_scalars, join_steps

__all__ = ["read_journal"]

_HEAD = struct.Struct("<8sHHIQI4q")
FRAME = struct.Struct("<4s3I")
CHECKSUM = struct.Struct("<I")
_HEAD_SIZE = _HEAD.size + CHECKSUM.size
_HEAD_MAGIC = b"\x89probes\n"
FRAME_MAGIC = b"rows"


def journal_head(
    manifest: Manifest, index: int, gap: Gap | None = None, *, after: int = -1, attempt: int | None = None
) -> bytes:
    """What journal ``index`` of a run begins with: the gap is of rows just before it, ``after`` the last one kept."""
    attempt = len(manifest.attempts) if attempt is None else attempt
    layout = [(one.name, one.dtype, *one.shape) for one in manifest.series]
    identity = crc32(repr((manifest.run_id, manifest.created, layout)).encode())
    row_bytes = sum(one.row_bytes for one in manifest.series)
    head = _HEAD.pack(_HEAD_MAGIC, FORMAT_VERSION, attempt, index, row_bytes, identity, *(gap or (0, 0, 0)), after)
    return head + CHECKSUM.pack(crc32(head))


def read_journal(path: Path, manifest: Manifest, index: int) -> Rows:
    """The rows of a journal up to its last whole frame; `faults` tells of bytes after that.

    Raises:
        LogError: the file is no journal of this run.
        FileNotFoundError: there is none; it may just have been sealed.

    Example:
        >>> Path("seg-000000.wal").write_bytes(journal_head(Manifest("seed-0", ()), 0))
        64
        >>> read_journal(Path("seg-000000.wal"), Manifest("seed-0", ()), 0).steps
        array([], dtype=int64)
    """
    data = memoryview(read_whole(path))
    attempt, gaps, after, offset = _read_head(path, data, manifest, index)
    frames: list[Rows] = []
    while frame := _read_frame(data, offset, manifest.series):
        rows, offset = frame
        frames.append(rows)

    arrays = {
        one.name: np.concatenate([
            np.empty((0, *one.shape), one.dtype),
            *(frame.arrays[one.name][:] for frame in frames),
        ])
        for one in manifest.series
    }
    lost = len(data) - offset
    faults = [f"`{path}`: the last {lost} bytes, from byte {offset} on, are no whole frame and were left out"]
    scalars = join_scalars(frame.scalars for frame in frames)
    return Rows(join_steps(frames), arrays, scalars, gaps, faults if lost else [], path.name, attempt, after=after)


def _read_head(path: Path, data: memoryview, manifest: Manifest, index: int) -> tuple[int, list[Gap], int, int]:
    """Attempt, gap, step before and where the frames begin: nowhere, if the head is damaged or not all written.

    Before another attempt begins, the journals of those before are sealed, so such a one is of the last.
    """
    if not _holds(data, 0, _HEAD_SIZE, 0):
        return len(manifest.attempts), [], -1, 0
    _, version, attempt, _, _, _, *gap, after = _HEAD.unpack_from(data)
    check_format(path, version)
    if data[:_HEAD_SIZE] != journal_head(manifest, index, Gap(*gap), after=after, attempt=attempt):
        raise refusal(path, f"expected journal {index} of run `{manifest.run_id}`, got that of another")
    return attempt, [Gap(*gap)] if any(gap) else [], after, _HEAD_SIZE


def _read_frame(data: memoryview, offset: int, series: Sequence[Series]) -> tuple[Rows, int] | None:
    """One frame and where the next begins; nothing if it is not whole."""
    if offset == 0:
        return None
    seed = CHECKSUM.unpack_from(data, _HEAD.size)[0]
    start = offset + FRAME.size + CHECKSUM.size
    if not _holds(data, offset, start, seed):
        return None
    _, count, table, entries = FRAME.unpack_from(data, offset)
    sizes = [8 * count, *(count * one.row_bytes for one in series), table, entries * ENTRY.itemsize]
    end = start + sum(sizes) + CHECKSUM.size
    if not _holds(data, start, end, seed):
        return None

    edges = accumulate(sizes, initial=start)
    steps, *arrays, names, values = (data[low:high] for low, high in pairwise(edges))
    shaped = {
        one.name: np.frombuffer(array, one.dtype).reshape(count, *one.shape)
        for one, array in zip(series, arrays, strict=True)
    }
    known = bytes(names).decode(errors="replace").split("\n") if table else []
    return Rows(np.frombuffer(steps, "<i8"), shaped, as_scalars(known, np.frombuffer(values, ENTRY))), end


def _holds(data: memoryview, start: int, end: int, seed: int) -> bool:
    """Whether the stretch is all there and ends with its checksum."""
    content = end - CHECKSUM.size
    return end <= len(data) and CHECKSUM.pack(crc32(data[start:content], seed)) == data[content:end]
