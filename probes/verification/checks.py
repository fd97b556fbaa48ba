"""What is checked of each file of a run: all that a reader checks, then every byte, a chunk at a time.

A check yields what it has to say as pairs: ``("fault", line)``, or a fact that other files are held against.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.errors import ProbesError
from probes.files.durable import check_plain, refusal
from probes.log.folder import read_parts
from probes.log.hdf5.segments import (
    check_root,
    checked_attributes,
    open_segment,
    opened,
    read_steps,
    segments_shown,
    stored_scalars,
)
from probes.log.hdf5.validation import check_dataset, check_links
from probes.log.journal import read_journal
from probes.log.layout import DIRECTIONS, LOCK, MANIFEST, MERGED, PACKED, SCALARS, STEP, stored_name
from probes.log.liveness import is_being_written
from probes.log.manifest import Manifest, read_manifest
from probes.log.outputs import read_outputs
from probes.log.rows import Rows, Scalars
from probes.log.stored_directions import read_directions
from probes.log.verification.axes import axes_faults, own_steps
from probes.log.verification.chunk_checksums import chunk_faults
from probes.log.verification.merged_view import Part, view_faults
from probes.log.verification.weights import check_weights
from probes.log.view import joined

__all__ = ["said"]

Said = tuple[str, Any]

_LARGEST_LOCK = 4096
_DEEPEST = 32  # groups in groups


def said(path: Path, check: Callable[[], Iterator[Said]]) -> Iterator[Said]:
    """What the check of a file has to say, its refusal among it.

    Example:
        >>> list(said(Path("seed-0/run.json"), lambda: check_manifest(Path("seed-0"))))
        [('gone', "[Errno 2] No such file or directory: 'seed-0/run.json'")]
    """
    try:
        yield from check()
    except FileNotFoundError as error:
        yield "gone", str(error)
    except ProbesError as error:
        yield "fault", str(error)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a file from a stranger leads to is said of that file
        yield "fault", f"`{path}`: checking it ended with {type(error).__name__}: {error}"


def check_lock(run: Path) -> Iterator[Said]:
    """Of LOCK: whether a writer is at work."""
    path = run / LOCK
    check_plain(path)
    if path.lstat().st_size > _LARGEST_LOCK:
        raise refusal(path, f"expected at most {_LARGEST_LOCK} bytes, got {path.lstat().st_size}")
    host, process, *_ = [*path.read_text("ascii", "replace").split(), "", ""]
    alive = is_being_written(run)
    yield "alive", alive
    if host:
        state = "is writing" if alive else "left it and is gone"
        yield "note", f"`{path}`: process {process} on {host} {state}"


def check_manifest(run: Path) -> Iterator[Said]:
    """Of run.json; the facts are what other files depend on."""
    manifest = _description(run)
    yield "status", manifest.status
    yield "directions", manifest.directions
    yield "attempts", len(manifest.attempts)


def check_merged(run: Path) -> Iterator[Said]:
    """Of a log.h5: how many segments it shows, and if it shows none, all that is checked of a segment."""
    shown = segments_shown(run / MERGED)
    yield "shown", shown
    if shown == 0:
        yield from check_segment(run / MERGED)


def check_segment(path: Path) -> Iterator[Said]:
    """Of a file that holds rows."""
    manifest = _description(path.parent)
    rows = open_segment(path, manifest)
    yield from _check_rows(path, manifest, rows)
    with opened(path) as file:
        yield from _faults(path, axes_faults(file, manifest))
        yield from _faults(path, _index_faults(file, manifest))
        for dataset in _datasets(file[PACKED]) if PACKED in file else ():
            yield from _faults(path, chunk_faults(check_dataset(dataset), "rows {} to {}".format))
        for one in manifest.series:
            place = partial(_steps, rows.steps_of(manifest.schedules.get(one.name)))
            yield from _faults(path, chunk_faults(file[stored_name(one.name)], place))


def check_journal(path: Path, index: int, *, alive: bool) -> Iterator[Said]:
    """Of a journal; while its writer lives, its last frame may be just on its way."""
    manifest = _description(path.parent)
    rows = read_journal(path, manifest, index)
    if not alive:
        yield from (("fault", line) for line in rows.faults)
    yield from _check_rows(path, manifest, rows)


def check_view(run: Path, parts: Sequence[Part], *, complete: bool) -> Iterator[Said]:
    """Of a log.h5 that shows segments, beside what they hold; ``complete`` if that is known of all of them."""
    path, manifest = run / MERGED, _description(run)
    known = {part.file: part for part in parts}
    with opened(path) as file:
        check_root(file, manifest)
        scalars = stored_scalars(file)
        yield from _faults(path, axes_faults(file, manifest))
        yield from _faults(path, _index_faults(file, manifest))
        for one in manifest.series:
            counted = {name: part._replace(rows=part.own.get(one.name, part.rows)) for name, part in known.items()}
            yield from _faults(path, view_faults(file[stored_name(one.name)], one, counted))
        if complete:
            stretches, _ = read_parts(run, manifest, known={})
            yield from _faults(path, _copy_faults(file, scalars, joined(manifest, stretches), manifest))


def check_directions(run: Path, sha256: str) -> Iterator[Said]:
    """Of directions.h5."""
    yield from check_arrays(run / DIRECTIONS)
    read_directions(run, sha256)


def check_arrays(path: Path) -> Iterator[Said]:
    """Of named arrays, such as those of an evaluation."""
    with opened(path) as file:
        checked_attributes(file)
        for dataset in _datasets(file):
            yield from _faults(path, chunk_faults(check_dataset(dataset), "rows {} to {}".format))


def check_outputs(path: Path) -> Iterator[Said]:
    """Of the outputs of a set at a step."""
    yield from check_arrays(path)
    read_outputs(path)


def check_tensors(path: Path) -> Iterator[Said]:
    """Of kept weights."""
    check_weights(path)
    yield from ()


def _description(run: Path) -> Manifest:
    """The manifest; a FileNotFoundError if a writer that begins anew has taken it away."""
    (run / MANIFEST).lstat()
    return read_manifest(run)


def _check_rows(path: Path, manifest: Manifest, rows: Rows) -> Iterator[Said]:
    """What the steps say, whatever holds them."""
    if not 0 <= rows.attempt <= len(manifest.attempts):
        yield "fault", f"`{path}`: rows of attempt {rows.attempt}, but run.json knows {len(manifest.attempts)}"
        return
    falls = np.flatnonzero(np.diff(rows.steps) <= 0)
    if falls.size:
        before, after = rows.steps[falls[0] : falls[0] + 2]
        yield "fault", f"`{path}`: expected rising steps, got {after} after {before}"

    kept = rows.up_to(manifest.last_of(rows.attempt))
    for gap in kept.gaps:
        yield "fault", f"`{path.parent}`: {gap.rows} rows, steps {gap.first} to {gap.last}, were left out"
    first, last = (int(kept.steps[0]), int(kept.steps[-1])) if len(kept) else (-1, -1)
    own = {name: len(kept.steps_of(schedule)) for name, schedule in manifest.schedules.items()}
    yield "part", Part(path.name, rows.attempt, len(kept), first, last, kept.after, own)


def _faults(path: Path, lines: Iterator[str]) -> Iterator[Said]:
    return (("fault", f"`{path}`: {line}") for line in lines)


def _index_faults(file: h5py.File, manifest: Manifest) -> Iterator[str]:
    """Of the steps and the scalars, which are read and found in order before."""
    place = "entries {} to {}".format
    for axis in (STEP, *own_steps(manifest)):
        yield from chunk_faults(file[stored_name(axis)], place)
    for group in file.get(SCALARS, {}).values():
        for name in ("step", "value"):
            yield from chunk_faults(group[name], place)


def _copy_faults(file: h5py.File, scalars: Scalars, rows: Rows, manifest: Manifest) -> Iterator[str]:
    """Of what a view repeats of its segments."""
    if not np.array_equal(read_steps(file, manifest)[""], rows.steps):
        yield "expected the steps of the segments, got others"
    if scalars.keys() != rows.scalars.keys() or not all(
        np.array_equal(found, wanted, equal_nan=True)
        for name in scalars
        for found, wanted in zip(scalars[name], rows.scalars[name], strict=True)
    ):
        yield "expected the scalars of the segments, got others"


def _datasets(group: h5py.Group, depth: int = 0) -> Iterator[h5py.Dataset]:
    if depth > _DEEPEST:
        raise ValueError(f"groups in groups, {depth} deep, in `{group.name}`")
    check_links(group)
    for item in group.values():
        if isinstance(item, h5py.Group):
            yield from _datasets(item, depth + 1)
        else:
            yield item


def _steps(steps: NDArray[np.int64], first: int, last: int) -> str:
    return f"steps {steps[first]} to {steps[last]}"
