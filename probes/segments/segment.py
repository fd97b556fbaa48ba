"""HDF5 files of recorded rows, built in memory: a full disk can then never meet HDF5 inside a training process.

Each file shows at its root the dataset of every series, axes ``(step, *dims)``, ``step`` and the other axes as attached
dimension scales, ``<series>.step`` in place of ``step`` for a series that has a schedule of its own, and below
``scalars`` what was logged. Chunks hold about 20 values for 256 steps, which balances what must be unpacked for one
value of all steps against that for all values of one step.
"""

import io
from collections.abc import Iterator, Mapping
from itertools import product
from math import ceil, prod
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.log.hdf5.arrays import write_attributes
from probes.log.layout import SCALARS, STEP, axis_names, stored_name
from probes.log.manifest import Manifest
from probes.log.rows import Rows, Sliceable, latest
from probes.log.writing.compression import packed_chunks

__all__ = ["filters", "segment_bytes"]

CHUNK_STEPS = 256
LEVEL = 4  # of zlib: 2 to 3 % smaller than FAST, for twice the time; higher levels are slower alone
_SLAB_BYTES = 2**22  # read and compressed at once, while a core's caches hold them
_CHUNK_BYTES = {"gzip": 3 * 2**13, "blosc2": 2**17}  # by compression; blosc2 is fast on large chunks alone


def segment_bytes(manifest: Manifest, rows: Rows, *, compression: str = "gzip", level: int = LEVEL) -> memoryview:
    """A complete HDF5 file of the rows, the series compressed by "gzip" at a level from 0 to 9, or by "blosc2".

    Any tool reads gzip, made by ISA-L up to level 3 and by zlib above; blosc2 takes two thirds of
    zlib's time, is about 1 % smaller, and needs hdf5plugin to be read.

    Example:
        >>> rows = Rows(np.arange(3), {}, {"loss": (np.array([0]), np.array([2.5]))})
        >>> with h5py.File(io.BytesIO(segment_bytes(Manifest("seed-0", ()), rows))) as file:
        ...     file["step"][:], file["scalars/loss/value"][:]
        (array([0, 1, 2]), array([2.5]))
    """
    target = io.BytesIO()
    write_segment(target, manifest, rows, compression=compression, level=level)
    return target.getbuffer()


def write_segment(
    target: BinaryIO | str, manifest: Manifest, rows: Rows, *, compression: str = "gzip", level: int = LEVEL
) -> None:
    """Write the same to an open file or, where no training runs, to a path; rows are read a chunk at a time."""
    with h5py.File(target, "w", libver=("v110", "v110")) as file:
        write_common(file, manifest, rows)
        for one in manifest.series:
            count = len(rows.steps_of(manifest.schedules.get(one.name)))
            dataset = _created(file, stored_name(one.name), (count, *one.shape), one.dtype, compression)
            _fill(dataset, rows.arrays[one.name], level)
        attach_axes(file, manifest)


def write_common(file: h5py.File, manifest: Manifest, rows: Rows) -> None:
    """Write what every file of a run holds besides its series: attributes, steps and scalars."""
    write_attributes(file, {"run_id": manifest.run_id, "attempt": rows.attempt}, version=manifest.format_version)
    if rows.gaps:
        file.attrs["gaps"] = np.array(rows.gaps, np.int64)

    columns: dict[str, NDArray[Any]] = {STEP: rows.steps_of(manifest.schedules.get(""))}
    axes = axis_names(manifest.series)
    for one in manifest.series:
        if one.schedule:
            columns[stored_name(axes[one.name, STEP])] = rows.steps_of(manifest.schedules[one.name])
    for name, (steps, values) in latest(rows.scalars).items():
        columns |= {f"{SCALARS}/{stored_name(name)}/step": steps, f"{SCALARS}/{stored_name(name)}/value": values}
    for name, column in columns.items():
        _fill(_created(file, name, column.shape, column.dtype.str), column)


def attach_axes(file: h5py.File, manifest: Manifest) -> None:
    """Give every axis of every series its name and scale: the steps, labels, or 0, 1, 2, ..."""
    axes = axis_names(manifest.series)
    for name in (STEP, *(axes[one.name, STEP] for one in manifest.series if one.schedule)):
        file[stored_name(name)].make_scale(name)
    for one in manifest.series:
        dataset = file[stored_name(one.name)]
        dataset.attrs.update(one.attributes)
        for position, dim in enumerate((STEP, *one.dims)):
            name = axes.get((one.name, dim), dim)
            if stored_name(name) not in file:
                file[stored_name(name)] = one.labels.get(dim, np.arange(dataset.shape[position]))
                file[stored_name(name)].make_scale(name)
            dataset.dims[position].label = name
            dataset.dims[position].attach_scale(file[stored_name(name)])


def _created(file: h5py.File, name: str, shape: tuple[int, ...], dtype: str, compression: str = "gzip") -> h5py.Dataset:
    if shape[0] == 0:
        return file.create_dataset(name, shape, dtype)
    chunks = _chunk_shape(shape, np.dtype(dtype).itemsize, _CHUNK_BYTES[compression])
    return file.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True, **filters(compression))


def filters(compression: str) -> Mapping[str, Any]:
    """What a dataset is created with.

    Raises:
        ValueError: ``compression`` is neither "gzip" nor "blosc2".
        ImportError: hdf5plugin is needed and not installed.

    Example:
        >>> filters("gzip")["compression"]
        'gzip'
    """
    if compression == "gzip":
        return {"shuffle": True, "compression": "gzip", "compression_opts": LEVEL}
    if compression != "blosc2":
        raise ValueError(f'expected `compression` "gzip" or "blosc2", got {compression!r}')
    try:
        from hdf5plugin import Blosc2
    except ImportError as error:
        raise ImportError("expected hdf5plugin for blosc2, got none; pip install feature-probes[fast]") from error
    created_with: Mapping[str, Any] = Blosc2("zstd", LEVEL, Blosc2.SHUFFLE)
    return created_with


def _chunk_shape(shape: tuple[int, ...], itemsize: int, size: int) -> tuple[int, ...]:
    """Long in steps, whole in the last axes, even in the one that must be cut."""
    rows, *rest = shape
    steps = min(rows, max(CHUNK_STEPS, size // (prod(rest) * itemsize)))
    room = max(1, size // (steps * itemsize))
    lengths: list[int] = []
    for length in reversed(rest):
        pieces = ceil(length / room)
        lengths.insert(0, ceil(length / pieces))
        room = max(1, room // lengths[0])
    return (steps, *lengths)


def _fill(dataset: h5py.Dataset, values: Sliceable, level: int = LEVEL) -> None:
    chunks = dataset.chunks
    if chunks is None:  # there are no rows
        return
    for slab in _boxes(dataset.shape, _slab_shape(dataset.shape, chunks, _SLAB_BYTES // dataset.dtype.itemsize)):
        taken = np.ascontiguousarray(values[slab], dataset.dtype)
        if dataset.compression != "gzip":
            dataset[slab] = taken
            continue
        corners = product(*(range(one.start, one.stop, length) for one, length in zip(slab, chunks, strict=True)))
        for corner, packed in zip(corners, packed_chunks(taken, chunks, level), strict=True):
            dataset.id.write_direct_chunk(corner, packed)


def _slab_shape(shape: tuple[int, ...], chunks: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Whole chunks, side by side along the last axes first, of about so many values; one at the least."""
    lengths = list(chunks)
    for axis in range(len(shape) - 1, 0, -1):
        lengths[axis] *= max(1, min(ceil(shape[axis] / chunks[axis]), most // prod(lengths)))
    return tuple(lengths)


def _boxes(shape: tuple[int, ...], lengths: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """The boxes of such lengths, side by side, that fill the shape."""
    for corner in product(*(range(0, whole, length) for whole, length in zip(shape, lengths, strict=True))):
        yield tuple(
            slice(low, min(low + length, whole)) for low, length, whole in zip(corner, lengths, shape, strict=True)
        )
