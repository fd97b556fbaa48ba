"""Named arrays with attributes as one small HDF5 file, written whole and checked when read."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.files.durable import write_whole
from probes.files.interrupts import held
from probes.log.hdf5.segments import checked_attributes, opened
from probes.log.hdf5.validation import check_dataset, check_links, check_together

__all__ = ["write_arrays"]

# Of all arrays of a file together, which are read at once: so many bytes, or so many times the stored ones.
_MOST_BYTES, _MOST_RATIO = 2**28, 64
_PACKED = {"shuffle": True, "compression": "gzip", "compression_opts": 1, "fletcher32": True}


@held()
def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], attrs: Mapping[str, float | str]) -> None:
    """Write the file, arrays in groups where their names have slashes.

    Raises:
        TypeError: an array does not hold numbers.

    Example:
        >>> write_arrays(Path("a.h5"), {"training/labels": np.array([2, 0])}, {"mu": 0.25})
        >>> read_arrays(Path("a.h5"))
        ({'training/labels': array([2, 0])}, {'mu': 0.25})
    """
    target = io.BytesIO()
    with h5py.File(target, "w", libver=("v110", "v110")) as file:
        write_attributes(file, attrs)
        put_arrays(file, arrays)
    write_whole(path, target.getbuffer())


def put_arrays(group: h5py.Group, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into a group; a TypeError if one does not hold numbers."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.kind not in "iuf":
            raise TypeError(f"expected numbers in array `{name}`, got dtype {np.asarray(array).dtype}")
        values = np.atleast_1d(array)  # HDF5 has checksums for chunks alone, and a chunk needs an axis
        group.create_dataset(name, data=values, chunks=True, **_PACKED)
        group[name].attrs["scalar"] = np.ndim(array) == 0


def as_bytes(data: object) -> NDArray[np.uint8]:
    """What JSON can hold, as an array: an attribute would have to be small.

    Example:
        >>> as_bytes(["a"])
        array([91, 34, 97, 34, 93], dtype=uint8)
    """
    return np.frombuffer(json.dumps(data).encode(), np.uint8)


def write_attributes(file: h5py.File, attributes: Mapping[str, float | str], *, version: int = 1) -> None:
    """Write the format and the attributes; texts at a fixed length, which HDF5 keeps under a checksum."""
    file.attrs["format_version"] = version
    for name, value in attributes.items():
        file.attrs[name] = np.bytes_(value.encode() or b"\0") if isinstance(value, str) else value


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, float | int | str]]:
    """The arrays by name, and the attributes; a LogError if the file is damaged or foreign."""
    with opened(path) as file:
        return arrays_in(file), checked_attributes(file)


def arrays_in(group: h5py.Group) -> dict[str, NDArray[Any]]:
    """All arrays of a group and those below it, by their paths from there; a ValueError if they are too many bytes."""
    start = len(group.name.rstrip("/")) + 1
    found = dict(_datasets(group, set()))
    check_together(found.values(), _MOST_BYTES, _MOST_RATIO)
    return {name[start:]: _values(dataset) for name, dataset in found.items()}


def _values(dataset: h5py.Dataset) -> NDArray[Any]:
    values: NDArray[Any] = dataset[()]
    return values[0] if dataset.attrs.get("scalar", False) else values


def _datasets(group: h5py.Group, seen: set[int]) -> Iterator[tuple[str, h5py.Dataset]]:
    """Those of a group and the ones below it; a thing of two names would be met for every way that leads to it."""
    check_links(group)
    for item in group.values():
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            raise ValueError(f"`{item.name}`, which has another name, too")
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _datasets(item, seen)
        else:
            yield item.name, check_dataset(item)
