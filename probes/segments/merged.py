"""log.h5: the whole run as one file that any HDF5 tool opens, written when a run is closed."""

import io
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import h5py
import numpy as np

from probes.files.durable import write_whole
from probes.log.folder import read_parts
from probes.log.hdf5.arrays import write_attributes
from probes.log.layout import MERGED, NUMBERED, Series, stored_name
from probes.log.manifest import Manifest
from probes.log.rows import Rows
from probes.log.view import joined
from probes.log.writing.compression import FAST
from probes.log.writing.segment import LEVEL, attach_axes, segment_bytes, write_common

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
    if (run_dir / MERGED).exists():
        return
    parts, _ = read_parts(run_dir, manifest, known={})
    rows = joined(manifest, parts)
    row_bytes = sum(one.row_bytes for one in manifest.series)
    if len(rows) * row_bytes <= pack_bytes:
        level = LEVEL if len(rows) * row_bytes <= _LARGE else FAST  # a training ends by it
        with suppress(OSError):
            write_whole(run_dir / MERGED, segment_bytes(manifest, rows, compression=compression, level=level))
    if not (run_dir / MERGED).exists():
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
        write_attributes(file, {"segments": 1 + max(numbers, default=-1), "needs": _NEEDS})
        for one in manifest.series:
            missing = np.nan if one.dtype != "<i8" else np.iinfo("<i8").min
            file.create_virtual_dataset(stored_name(one.name), _layout(one, parts), missing)
        attach_axes(file, manifest)
    return target.getbuffer()


def _layout(series: Series, parts: Sequence[Rows]) -> h5py.VirtualLayout:
    """Which rows lie in which segment."""
    layout = h5py.VirtualLayout((sum(map(len, parts)), *series.shape), series.dtype)
    name = stored_name(series.name).replace("%", "%%")  # HDF5 takes it for a pattern
    for start, part in zip(accumulate(map(len, parts), initial=0), parts, strict=False):
        if len(part):
            shape = (len(part) + part.superseded, *series.shape)
            layout[start : start + len(part)] = h5py.VirtualSource(part.file, name, shape, series.dtype)[: len(part)]
    return layout
