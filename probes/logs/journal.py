"""The journal: recorded rows in frames with checksums, appended as they come, readable to the last whole frame.

A file is a head, then frames. Every number is little-endian; every checksum starts from the head's, so that a frame
counts only in its own file::

    head    magic, format, attempt, index, row bytes, identity of the run, gap (first, last, rows), step before,
            checksum
    frame   magic, number of rows, bytes of names, number of logged values, checksum,
            steps, array after array, names of the logged values, logged values, checksum

The array of a series that has a schedule of its own has a row for each of the frame's steps that it names.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from isal.isal_zlib import crc32  # that of zlib, in a tenth of the time or less

from probes.files.durable import refusal
from probes.log.journal_frames import (
    CHECKSUM,
    FRAME,
    FRAME_MAGIC,
    MOST_ENTRIES,
    Frame,
    StoredFrames,
    frame_at,
    journal_file,
)
from probes.log.layout import MOST_SCALARS, check_format
from probes.log.manifest import Manifest
from probes.log.rows import Gap, Rows, join_scalars, join_steps

__all__ = ["CHECKSUM", "FRAME", "FRAME_MAGIC", "read_journal"]

_HEAD = struct.Struct("<8sHHIQI4q")
_HEAD_SIZE = _HEAD.size + CHECKSUM.size
_HEAD_MAGIC = b"\x89probes\n"


def journal_head(
    manifest: Manifest, index: int, gap: Gap | None = None, *, after: int = -1, attempt: int | None = None
) -> bytes:
    """What journal ``index`` of a run begins with: the gap is of rows just before it, ``after`` the last one kept."""
    attempt = len(manifest.attempts) if attempt is None else attempt
    layout = [(one.name, one.dtype, *one.shape, *filter(None, [one.schedule])) for one in manifest.series]
    identity = crc32(repr((manifest.run_id, manifest.created, layout)).encode())
    row_bytes = sum(one.row_bytes for one in manifest.series)
    version = manifest.format_version
    head = _HEAD.pack(_HEAD_MAGIC, version, attempt, index, row_bytes, identity, *(gap or (0, 0, 0)), after)
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
    with journal_file(path) as file:
        head = os.pread(file, _HEAD_SIZE, 0)
        attempt, gaps, after, offset = _read_head(path, head, manifest, index)
        frames = _frames(path, file, offset, manifest) if offset else []
        end = frames[-1].end if frames else offset
        lost = os.fstat(file).st_size - end

    faults = [f"`{path}`: the last {lost} bytes, from byte {end} on, are no whole frame and were left out"]
    arrays = {one.name: StoredFrames(path, head, one, _places(frames, at)) for at, one in enumerate(manifest.series)}
    scalars = join_scalars(frame.scalars for frame in frames)
    return Rows(join_steps(frames), arrays, scalars, gaps, faults if lost else [], path.name, attempt, after=after)


def _read_head(path: Path, head: bytes, manifest: Manifest, index: int) -> tuple[int, list[Gap], int, int]:
    """Attempt, gap, step before and where the frames begin: nowhere, if the head is damaged or not all written.

    Before another attempt begins, the journals of those before are sealed, so such a one is of the last.
    """
    if len(head) < _HEAD_SIZE or CHECKSUM.pack(crc32(head[: _HEAD.size])) != head[_HEAD.size :]:
        return len(manifest.attempts), [], -1, 0
    _, version, attempt, _, _, _, *gap, after = _HEAD.unpack_from(head)
    check_format(path, version)
    if head != journal_head(manifest, index, Gap(*gap), after=after, attempt=attempt):
        raise refusal(path, f"expected journal {index} of run `{manifest.run_id}`, got that of another")
    return attempt, [Gap(*gap)] if any(gap) else [], after, _HEAD_SIZE


def _frames(path: Path, file: int, offset: int, manifest: Manifest) -> list[Frame]:
    """All whole frames, up to the first that is none."""
    seed = CHECKSUM.unpack(os.pread(file, CHECKSUM.size, _HEAD.size))[0]
    schedules = [manifest.schedules.get(one.name) for one in manifest.series]
    frames: list[Frame] = []
    logged, names = 0, set[str]()
    while frame := frame_at(file, offset, list(zip(manifest.series, schedules, strict=True)), seed):
        frames.append(frame)
        offset, logged = frame.end, logged + frame.entries
        names |= frame.scalars.keys()
        if logged > MOST_ENTRIES or len(names) > MOST_SCALARS:
            raise refusal(path, f"expected at most {MOST_ENTRIES} values of {MOST_SCALARS} scalars, got more")
    return frames


def _places(frames: Sequence[Frame], number: int) -> list[tuple[int, int, int]]:
    """First row, rows and first byte of the array of a series in each frame."""
    places, first = [], 0
    for frame in frames:
        rows, place = frame.places[number]
        places.append((first, rows, place))
        first += rows
    return places
