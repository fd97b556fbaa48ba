"""Going on with a run: a new attempt keeps what was recorded up to a step and supersedes the rest."""

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from probes.errors import RunError
from probes.files.durable import is_there, sync_folder, write_whole
from probes.log.folder import read_parts
from probes.log.hdf5.segments import segments_shown
from probes.log.journal import read_journal
from probes.log.layout import MERGED, NUMBERED, SEGMENT
from probes.log.manifest import Manifest, read_manifest, write_manifest
from probes.log.outputs import remove_outputs
from probes.log.rows import Rows
from probes.log.writing.segment import segment_bytes

__all__ = ["Position", "next_attempt"]


class Position(NamedTuple):
    """How far a run had come when it was known to be on the disk.

    Example:
        >>> Position(step=25, rows=3)
        Position(step=25, rows=3)
    """

    step: int = -1  # the last that counts; -1 = none
    rows: int = 0  # recorded up to there


def next_attempt(run_dir: Path, wanted: Manifest, position: Position) -> tuple[Manifest, int]:
    """The manifest of a run that goes on from a position, and the number of its next segment.

    Whatever the attempts before left is sealed first; no row is lost by that, also if it is cut off.

    Raises:
        RunError: the run records something else, or does not hold the rows up to the position.
        LogError: a file of the run is damaged or foreign.
        OSError: the disk is full or refuses.

    Example:
        >>> write_manifest(".", Manifest("seed-0", ()))
        >>> manifest, segment = next_attempt(Path(), Manifest("seed-0", ()), Position())
        >>> manifest.attempts, segment
        ((-1,), 0)
    """
    before = read_manifest(run_dir)
    same = ("run_id", "series", "directions", "schedule")
    changed = [what for what in same if getattr(wanted, what) != getattr(before, what)]
    if before.batches and json.loads(json.dumps(wanted.batches)) != before.batches:
        changed.append("probe batches")
    if changed:
        raise RunError(
            f"expected to go on with what `{run_dir}` records, got other {' and '.join(changed)}; record into another "
            "directory, or overwrite it (--force, overwrite=True)"
        )
    parts, _ = read_parts(run_dir, before, known={})
    rows = sum(len(part.up_to(position.step)) for part in parts)
    if rows != position.rows:
        raise RunError(
            f"expected {position.rows} rows up to step {position.step} in `{run_dir}`, got {rows}; go on from an "
            "earlier checkpoint, or record the run again (--force, overwrite=True)"
        )

    manifest = replace(before, status="recording", reason="", versions=wanted.versions, commit=wanted.commit)
    write_manifest(run_dir, manifest)  # first: from here on log.h5 may be gone
    _seal(run_dir, manifest)
    remove_outputs(run_dir, after=position.step)
    manifest = replace(manifest, attempts=(*before.attempts, position.step))
    write_manifest(run_dir, manifest)
    return manifest, len(_numbered(run_dir))


def _seal(run_dir: Path, manifest: Manifest) -> None:
    """Leave sealed segments of all numbers alone there, in an order that keeps every row readable at every moment."""
    with suppress(FileNotFoundError):
        if segments_shown(run_dir / MERGED):
            (run_dir / MERGED).unlink()
        else:  # it holds all rows; a segment is still there only if it was about to be removed
            for file in _numbered(run_dir):
                file.unlink()
            os.replace(run_dir / MERGED, run_dir / SEGMENT.format(0))

    for file in _numbered(run_dir):
        segment = file.with_suffix(".h5")
        if file != segment:
            rows = read_journal(file, manifest, _number(file))
            if not is_there(segment):
                write_whole(segment, segment_bytes(manifest, rows))
            file.unlink()
    there = {_number(file) for file in _numbered(run_dir)}
    for number in set(range(max(there, default=0))) - there:  # what it would have held came after the position
        write_whole(run_dir / SEGMENT.format(number), segment_bytes(manifest, _without_rows(manifest)))
    sync_folder(run_dir)


def _without_rows(manifest: Manifest) -> Rows:
    arrays = {one.name: np.empty((0, *one.shape), one.dtype) for one in manifest.series}
    return Rows(np.empty(0, np.int64), arrays, {}, attempt=len(manifest.attempts))


def _number(file: Path) -> int:
    return int(file.stem.rpartition("-")[2])


def _numbered(run_dir: Path) -> list[Path]:
    return [file for file in sorted(run_dir.iterdir()) if NUMBERED.fullmatch(file.name)]
