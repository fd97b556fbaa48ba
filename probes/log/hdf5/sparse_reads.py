"""Few values out of many chunks, as the course of one neuron: read without HDF5, once it has said where chunks lie.

To open a file and find its chunks takes HDF5 longer than to unpack them. The first such read is HDF5's, the second one
has it list all chunks, and each later one is a call of the system and an inflation a chunk.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product, repeat
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray

from probes.files.interrupts import held

__all__ = ["Chunks"]

_FILTERS = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32]
_CHECK = 4  # bytes of fletcher32 at the end of a chunk, which the checksum of its gzip makes unnecessary
_FEW = 0.25  # of the values of the chunks they lie in; more are read as fast by HDF5


class _Places(NamedTuple):
    """Where the chunks of a dataset are in its file."""

    file: tuple[int, ...]  # what `identity` says of it
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype[Any]
    table: NDArray[np.int64]  # (number of the chunk along each axis, first byte and length)


class Chunks:
    """What is known of the chunks of a dataset.

    Example:
        >>> options = {"chunks": (4, 8), "shuffle": True, "compression": "gzip", "fletcher32": True}
        >>> with h5py.File("a.h5", "w", libver=("v110", "v110")) as file:
        ...     _ = file.create_dataset("w", data=np.eye(8), **options)
        >>> chunks = Chunks()
        >>> with h5py.File("a.h5") as file:
        ...     for _ in range(2):
        ...         chunks.looked_up(file["w"], np.s_[:, 0])
        >>> chunks.read(Path("a.h5"), np.s_[:, 1])
        array([0., 1., 0., 0., 0., 0., 0., 0.])
    """

    def __init__(self) -> None:
        self._places: _Places | None = None
        self._looks = 0

    def looked_up(self, dataset: h5py.Dataset, index: Any) -> None:
        """Take note that HDF5 has read something; where it was few values a second time, learn where chunks lie."""
        if dataset.chunks and _is_few(_spans(index, dataset.shape), dataset.chunks):
            self._looks += 1
            if self._looks > 1:
                with suppress(OSError, RuntimeError, ValueError, IndexError):  # damage, and not of what was read
                    self._places = _places(dataset)

    def read(self, path: Path, index: Any) -> NDArray[Any] | None:
        """The values, or None if they are many, or it is not known where they lie, or anything is amiss there."""
        places = self._places
        spans = _spans(index, places.shape) if places else None
        if not places or not spans or not _is_few(spans, places.chunk):
            return None
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            if identity(os.fstat(file)) != places.file:
                return None
            values = _gathered(file, places, spans)
        except (OSError, ValueError, isal_zlib.error):  # type: ignore[misc]  # declared as an object
            return None
        finally:
            os.close(file)
        kept = tuple(slice(None) if isinstance(one, slice) else 0 for one in index)
        return values[kept] if isinstance(index, tuple) else values


def identity(found: os.stat_result) -> tuple[int, ...]:
    """What changes when a file does."""
    return found.st_ino, found.st_mtime_ns, found.st_size


def _places(dataset: h5py.Dataset) -> _Places | None:
    """Nothing, if chunks are missing, or any has other filters than ours."""
    plan = dataset.id.get_create_plist()
    if [plan.get_filter(number)[0] for number in range(plan.get_nfilters())] != _FILTERS:
        return None
    chunk = dataset.chunks
    grid = [-(-length // size) for length, size in zip(dataset.shape, chunk, strict=True)]
    if dataset.id.get_num_chunks() != prod(grid) or dataset.file.driver != "sec2":  # another has no file descriptor
        return None
    table = np.zeros((*grid, 2), np.int64)
    masks = set()

    def place(found: Any) -> None:
        masks.add(found.filter_mask)
        number = (start // size for start, size in zip(found.chunk_offset, chunk, strict=True))
        table[*number] = found.byte_offset, found.size

    with held():  # HDF5 would swallow a Ctrl-C
        dataset.id.chunk_iter(place)
    file = os.fstat(dataset.file.id.get_vfd_handle())
    return _Places(identity(file), dataset.shape, chunk, dataset.dtype, table) if masks == {0} else None


def _spans(index: Any, shape: Sequence[int]) -> list[range] | None:
    """What is wanted along each axis; None if that is no stretch of at least one."""
    given = index if isinstance(index, tuple) else (index,)
    if len(given) > len(shape):
        return None
    spans = []
    for one, length in zip([*given, *repeat(slice(None), len(shape) - len(given))], shape, strict=True):
        if isinstance(one, slice):
            span = range(length)[one]
        elif isinstance(one, int | np.integer) and not isinstance(one, bool) and 0 <= one < length:
            span = range(int(one), int(one) + 1)
        else:
            return None
        if not span or span.step != 1:
            return None
        spans.append(span)
    return spans


def _is_few(spans: Sequence[range] | None, chunk: Sequence[int]) -> bool:
    if spans is None:
        return False
    touched = prod((1 + span[-1] // size - span[0] // size) * size for span, size in zip(spans, chunk, strict=True))
    return prod(map(len, spans)) <= _FEW * touched


def _gathered(file: int, places: _Places, spans: Sequence[range]) -> NDArray[Any]:
    """The values, each chunk read, inflated and looked into; whatever does not fit is a ValueError."""
    size = places.dtype.itemsize
    length = prod(places.chunk) * size
    planes = np.empty((size, *map(len, spans)), np.uint8)  # the first byte of all values, the second one, ...
    parts = [list(_parts(span, chunk)) for span, chunk in zip(spans, places.chunk, strict=True)]
    for box in product(*parts):
        number, source, target = zip(*box, strict=True)
        start, stored = places.table[number].tolist()
        stream = os.pread(file, stored - _CHECK, start)
        inflater = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_ZLIB)
        content = inflater.decompress(stream, length + 1)
        if not inflater.eof:
            raise ValueError("no end of the stream, and so no checksum")
        shuffled = np.frombuffer(content, np.uint8).reshape(size, *places.chunk)
        planes[:, *target] = shuffled[:, *source]

    values = np.empty(planes.shape[1:], places.dtype)
    values.view(np.uint8).reshape(*values.shape, size)[...] = np.moveaxis(planes, 0, -1)
    return values


def _parts(span: range, chunk: int) -> Iterator[tuple[int, slice, slice]]:
    """For each chunk that a span touches: its number, where in the chunk and where in the span it lies."""
    for number in range(span.start // chunk, 1 + (span.stop - 1) // chunk):
        first = number * chunk
        low, high = max(span.start, first), min(span.stop, first + chunk)
        yield number, slice(low - first, high - first), slice(low - span.start, high - span.start)
