"""HDF5 files of recorded rows, built in memory: a full disk can then never meet HDF5 inside a training process.

Each file shows at its root the dataset of every series, axes ``(step, *dims)``, ``step`` and the other axes as attached
dimension scales, and below ``scalars`` what was logged. Chunks hold about 100 values for 1,024 steps. They are made
here and handed to HDF5 whole: zlib lets other threads run, where HDF5 would hold a lock of the process meanwhile.
"""

import io
import zlib
from collections.abc import Mapping
from itertools import product
from math import ceil, prod
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.store.layout import FORMAT_VERSION, SCALARS, STEP, axis_names, stored_name
from probes.store.manifest import Manifest
from probes.store.rows import Rows, Sliceable

__all__ = ["segment_bytes"]

CHUNK_STEPS = 1024
_CHUNK_BYTES = 2**19
_FILTERS = {"shuffle": True, "compression": "gzip", "compression_opts": 1, "fletcher32": True}


def segment_bytes(manifest: Manifest, rows: Rows, *, level: int = 1) -> memoryview:
    """A complete HDF5 file of the rows, compressed by gzip at a level from 0 to 9.

    Example:
        >>> rows = Rows(np.arange(3), {}, {"loss": (np.array([0]), np.array([2.5]))})
        >>> with h5py.File(io.BytesIO(segment_bytes(Manifest("seed-0", ()), rows))) as file:
        ...     file["step"][:], file["scalars/loss/value"][:]
        (array([0, 1, 2]), array([2.5]))
    """
    target = io.BytesIO()
    write_segment(target, manifest, rows, level=level)
    return target.getbuffer()


def write_segment(target: BinaryIO | str, manifest: Manifest, rows: Rows, *, level: int = 1) -> None:
    """Write the same to an open file or, where no training runs, to a path; rows are read a chunk at a time."""
    with h5py.File(target, "w", libver=("v110", "v110")) as file:
        write_common(file, manifest, rows)
        for one in manifest.series:
            shape = (len(rows), *one.shape)
            _write_array(file, stored_name(one.name), rows.arrays[one.name], shape, one.dtype, level=level)
        attach_axes(file, manifest)


def write_common(file: h5py.File, manifest: Manifest, rows: Rows) -> None:
    """Write what every file of a run holds besides its series: attributes, steps and scalars."""
    write_attributes(file, {"run_id": manifest.run_id, "attempt": rows.attempt})
    if rows.gaps:
        file.attrs["gaps"] = np.array(rows.gaps, np.int64)

    columns: dict[str, NDArray[Any]] = {STEP: rows.steps}
    for name, (steps, values) in rows.scalars.items():
        columns |= {f"{SCALARS}/{stored_name(name)}/step": steps, f"{SCALARS}/{stored_name(name)}/value": values}
    for name, column in columns.items():
        _write_array(file, name, column, column.shape, column.dtype.str)


def write_attributes(file: h5py.File, attributes: Mapping[str, float | str]) -> None:
    """Write the format and the attributes; texts at a fixed length, which HDF5 keeps under a checksum."""
    file.attrs["format_version"] = FORMAT_VERSION
    for name, value in attributes.items():
        file.attrs[name] = np.bytes_(value.encode() or b"\0") if isinstance(value, str) else value


def attach_axes(file: h5py.File, manifest: Manifest) -> None:
    """Give every axis of every series its name and scale: the steps, labels, or 0, 1, 2, ..."""
    file[STEP].make_scale(STEP)
    axes = axis_names(manifest.series)
    for one in manifest.series:
        dataset = file[stored_name(one.name)]
        dataset.attrs["units"] = one.unit
        for position, dim in enumerate((STEP, *one.dims)):
            name = axes.get((one.name, dim), dim)
            if stored_name(name) not in file:
                file[stored_name(name)] = one.labels.get(dim, np.arange(dataset.shape[position]))
                file[stored_name(name)].make_scale(name)
            dataset.dims[position].label = name
            dataset.dims[position].attach_scale(file[stored_name(name)])


def _write_array(
    file: h5py.File, name: str, values: Sliceable, shape: tuple[int, ...], dtype: str, *, level: int = 1
) -> None:
    if shape[0] == 0:
        file.create_dataset(name, shape, dtype)
        return
    chunks = _chunk_shape(shape, np.dtype(dtype).itemsize)
    dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **_FILTERS)
    for start in range(0, shape[0], chunks[0]):
        slab = np.ascontiguousarray(values[start : start + chunks[0]], dtype)
        for corner in product(*(range(0, whole, part) for whole, part in zip(shape[1:], chunks[1:], strict=True))):
            box = tuple(slice(low, low + length) for low, length in zip(corner, chunks[1:], strict=True))
            dataset.id.write_direct_chunk((start, *corner), _chunk(slab[:, *box], chunks, level))


def _chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Long in steps, whole in the last axes, even in the one that must be cut."""
    rows, *rest = shape
    steps = min(rows, max(CHUNK_STEPS, _CHUNK_BYTES // (prod(rest) * itemsize)))
    room = max(1, _CHUNK_BYTES // (steps * itemsize))
    lengths: list[int] = []
    for length in reversed(rest):
        pieces = ceil(length / room)
        lengths.insert(0, ceil(length / pieces))
        room = max(1, room // lengths[0])
    return (steps, *lengths)


def _chunk(values: NDArray[Any], shape: tuple[int, ...], level: int) -> bytes:
    """The chunk as it lies in a file: filled up with zeros, then shuffle, gzip and checksum as HDF5 would do them."""
    if values.shape != shape:
        values = np.pad(values, [(0, full - part) for full, part in zip(shape, values.shape, strict=True)])
    planes = np.ascontiguousarray(values).reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T
    packed = zlib.compress(np.ascontiguousarray(planes).data, level)
    return packed + _fletcher32(packed).to_bytes(4, "little")


def _fletcher32(data: bytes) -> int:
    """The checksum of HDF5's filter of that name, over big-endian words (H5_checksum_fletcher32 in H5checksum.c)."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2").astype(np.float64)
    weights = np.arange(len(words), 0, -1, dtype=np.float64)
    low, high = int(words.sum()), int((words * weights).sum())  # exact, being below 2^53
    # HDF5 folds carries, which leaves 65,535 where a remainder would be 0.
    return ((high - 1) % 65535 + 1) << 16 | ((low - 1) % 65535 + 1) if low else 0
