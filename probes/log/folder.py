"""A run's directory as a reader finds it, also while a writer changes it; nothing is locked and nothing written."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from probes.files.durable import is_there, refusal
from probes.log.evaluation import Evaluation, read_evaluation
from probes.log.hdf5.segments import open_segment, segments_shown
from probes.log.journal import read_journal
from probes.log.layout import JOURNAL, MERGED, NUMBERED, SEGMENT
from probes.log.liveness import is_being_written
from probes.log.manifest import Manifest, read_manifest
from probes.log.outputs import Stored, stored_outputs
from probes.log.rows import Rows
from probes.log.stored_directions import StoredDirections, read_directions

__all__ = ["Source", "run_folder"]

# Between two looks a run may be packed into one file; before a file counts as missing, the folder is looked at again.
_MOST_MISSING = 1000
_PAUSES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)

Known = dict[tuple[int, int, int], Rows]  # number, inode and time of a segment -> what it holds


@dataclass(frozen=True)
class Source:
    """Where a log comes from, a directory or memory: how to find out what it is as of now.

    Example:
        >>> run_folder(Path("seed-0")).path.name
        'seed-0'
    """

    path: Path
    manifest: Callable[[], Manifest]
    status: Callable[[Manifest], str]
    parts: Callable[[Manifest], tuple[list[Rows], list[str]]]  # stretches in order, and a line for each that is missing
    evaluation: Callable[[], Evaluation | None]
    directions: Callable[[], Mapping[str, StoredDirections]]  # by series
    outputs: Callable[[], Stored]


def run_folder(path: Path) -> Source:
    """The run in a directory.

    Example:
        >>> from probes.log.manifest import write_manifest
        >>> write_manifest(".", Manifest("seed-0", ()))
        >>> run_folder(Path()).status(Manifest("seed-0", ()))
        'stopped'
    """
    return Source(
        path,
        partial(read_manifest, path),
        partial(_status, path),
        partial(read_parts, path, known={}),
        partial(read_evaluation, path),
        lambda: read_directions(path, read_manifest(path).directions),
        partial(stored_outputs, path),
    )


def read_parts(path: Path, manifest: Manifest, *, known: Known) -> tuple[list[Rows], list[str]]:
    """The stretches of the log in order, and a line for each file that is missing; segments are opened once.

    What a later attempt supersedes is left out; so is one that began after the manifest was read, unless all that is
    left of those before is packed with it.
    """
    for pause in _PAUSES:
        time.sleep(pause)
        parts, missing = _found(path, manifest, known)
        if not missing:
            break
    counted = [rows for rows in parts if rows.attempt <= len(manifest.attempts) or rows.file == MERGED]
    parts = [rows.up_to(manifest.last_of(rows.attempt)) for rows in counted]
    return parts, [*(f"`{path / name}` is missing, and its rows with it" for name in missing), *_holes(path, parts)]


def _holes(path: Path, parts: Sequence[Rows]) -> Iterator[str]:
    """A line for each place where rows are missing that were in no journal yet when the next one began."""
    last = -1
    for part in parts:
        if len(part):
            if last < part.after:
                yield f"`{path}`: rows after step {last} up to step {part.after} are missing"
            last = int(part.steps[-1])


def _found(path: Path, manifest: Manifest, known: Known) -> tuple[list[Rows], list[str]]:
    """The stretches as one look finds them, and the names of missing files."""
    shown = None
    with suppress(FileNotFoundError):
        shown = segments_shown(path / MERGED)
        if shown == 0:
            return [open_segment(path / MERGED, manifest)], []

    numbers = [int(match[1]) for file in path.iterdir() if (match := NUMBERED.fullmatch(file.name))]
    count = max([shown or 0, *(number + 1 for number in numbers)])
    if count > len(numbers) + _MOST_MISSING:
        raise refusal(
            path / SEGMENT.format(count - 1), f"expected about {len(numbers)} segments, got one of that number"
        )
    parts = [_numbered(path, number, manifest, known) for number in range(count)]
    missing = [SEGMENT.format(number) for number, rows in enumerate(parts) if rows is None]
    if shown is None and not parts and (manifest.status != "recording" or is_there(path / MERGED)):
        missing = [MERGED]  # or it has come since it was looked for, and what it was made of is gone
    return [rows for rows in parts if rows is not None], missing


def _numbered(path: Path, number: int, manifest: Manifest, known: Known) -> Rows | None:
    """A segment, or the journal that becomes one; the segment is looked for again in case it just did."""
    segment, journal = path / SEGMENT.format(number), path / JOURNAL.format(number)
    for _ in range(2):
        with suppress(FileNotFoundError):
            seen = segment.lstat()
            key = (number, seen.st_ino, seen.st_mtime_ns)
            if key not in known:
                known[key] = open_segment(segment, manifest)
            return known[key]
        with suppress(FileNotFoundError):
            rows = read_journal(journal, manifest, number)
            if is_being_written(path) and read_manifest(path).status == "recording":
                rows.faults.clear()  # the beginning of a frame that is just being written
            return rows
    return None


def _status(path: Path, manifest: Manifest) -> str:
    """That of the manifest, or ``stopped`` where it says ``recording`` but nobody writes."""
    if manifest.status != "recording" or is_being_written(path):
        return manifest.status
    # Last, because a writer says how the run ended before it lets go: then it was being recorded when it was looked at.
    return "stopped" if read_manifest(path).status == "recording" else "recording"
