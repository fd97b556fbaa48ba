"""log.h5: the whole run as one file that any HDF5 tool opens, written when a run is closed."""

import io
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import h5py
import numpy as np

from probes.files.durable import is_there, write_whole
from probes.log.folder import read_parts
from probes.log.hdf5.arrays import write_attributes
from probes.log.layout import MERGED, NUMBERED, Series, stored_name
from probes.log.manifest import Manifest
from probes.log.rows import Rows
from probes.log.view import joined
from probes.log.writing.compression import FAST
from probes.log.writing.segment import LEVEL, attach_axes, segment_bytes, write_common
from probes.schedules import Schedule

__all__ = ["merge"]

_LARGE = 2**26  # bytes, from which on it is packed fast rather than well
_NEEDS = "the rows lie in seg-*.h5 beside this file: copy the whole folder, or make one file of it with `probes pack`"


def merge(run_dir: Path, manifest: Manifest, *, pack_bytes: int, compression: str = "gzip") -> None:
    """Write the log.h5 of a run of sealed segments, unless it is there.

    Up to so many bytes it takes the rows in and the segments go. A larger one, or one for which the disk has no room
    beside the segments, shows the rows where they are.

    Raises:
        OSError: the disk is full or refuses.

    Example:
        >>> merge(Path(), Manifest("seed-0", ()), pack_bytes=0)
        >>> [path.name for path in Path().iterdir()]
        ['log.h5']
    """
    if is_there(run_dir / MERGED):
        return
    parts, _ = read_parts(run_dir, manifest, known={})
    rows = joined(manifest, parts)
    size = sum(len(rows.steps_of(manifest.schedules.get(one.name))) * one.row_bytes for one in manifest.series)
    if size <= pack_bytes:
        level = LEVEL if size <= _LARGE else FAST  # a training ends by it
        with suppress(OSError):
            write_whole(run_dir / MERGED, segment_bytes(manifest, rows, compression=compression, level=level))
    if not is_there(run_dir / MERGED):
        write_whole(run_dir / MERGED, _view_bytes(manifest, parts, rows))
        return
    for part in parts:
        (run_dir / part.file).unlink(missing_ok=True)


def _view_bytes(manifest: Manifest, parts: Sequence[Rows], rows: Rows) -> memoryview:
    """A file whose series lie in the segments; where one is missing it shows NaN, or the least whole number."""
    target = io.BytesIO()
    with h5py.File(target, "w", libver=("v110", "v110")) as file:
        write_common(file, manifest, rows)
        numbers = [int(match[1]) for part in parts if (match := NUMBERED.fullmatch(part.file))]
        shown: dict[str, int | str] = {"segments": 1 + max(numbers, default=-1), "needs": _NEEDS}
        write_attributes(file, shown, version=manifest.format_version)
        for one in manifest.series:
            missing = np.nan if one.dtype != "<i8" else np.iinfo("<i8").min
            layout = _layout(one, parts, manifest.schedules.get(one.name))
            file.create_virtual_dataset(stored_name(one.name), layout, missing)
        attach_axes(file, manifest)
    return target.getbuffer()


def _layout(series: Series, parts: Sequence[Rows], schedule: Schedule | None) -> h5py.VirtualLayout:
    """Which rows lie in which segment."""
    counts = [len(part.steps_of(schedule)) for part in parts]
    layout = h5py.VirtualLayout((sum(counts), *series.shape), series.dtype)
    name = stored_name(series.name).replace("%", "%%")  # HDF5 takes it for a pattern
    for start, count, part in zip(accumulate(counts, initial=0), counts, parts, strict=False):
        if count:
            shape = (part.rows_in_file(schedule), *series.shape)
            layout[start : start + count] = h5py.VirtualSource(part.file, name, shape, series.dtype)[:count]
    return layout
