"""Every chunk of a dataset, read one at a time and held against its checksum."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from math import ceil, prod

import h5py

__all__ = ["chunk_faults"]

_GZIP, _FLETCHER32 = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32
_CHECKSUM_BYTES = 4
_MOST_RANGES = 5  # that a line names

_DAMAGED = "are damaged"
_MISSING = "are missing"
_BARE = "have no checksum"
_SWOLLEN = "unpack to another size than theirs"


def chunk_faults(dataset: h5py.Dataset, place: Callable[[int, int], str]) -> Iterator[str]:
    """A line for every kind of fault among the chunks of a dataset that `check_dataset` let pass.

    Args:
        dataset: One of numbers; more than one of them must lie in chunks with checksums.
        place: What to call the rows from the first to the last one.

    Example:
        >>> with h5py.File("x.h5", "w") as file:
        ...     whole = file.create_dataset("whole", data=range(9), chunks=(4,), fletcher32=True)
        ...     bare = file.create_dataset("bare", data=range(9))
        ...     [*chunk_faults(whole, "rows {} to {}".format), *chunk_faults(bare, "rows {} to {}".format)]
        ['expected checksums last among the filters of `/bare`, got filters []']
    """
    if dataset.size < 2:  # too small for chunks, or empty
        return
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if filters[-1:] != [_FLETCHER32] or len(set(filters)) < len(filters):
        yield f"expected checksums last among the filters of `{dataset.name}`, got filters {filters}"
        return

    masks = _masks(dataset)
    found: dict[str, list[tuple[int, int]]] = {}
    for box in dataset.iter_chunks():
        fault = _fault(dataset, box, filters, masks)
        if fault:
            found.setdefault(fault, []).append((box[0].start, box[0].stop - 1))
    count = prod(ceil(length / chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    for fault, rows in found.items():
        where = _merged(rows)
        named = ", ".join(place(*each) for each in where[:_MOST_RANGES]) + ", ..." * (len(where) > _MOST_RANGES)
        yield f"{len(rows)} of {count} chunks of `{dataset.name}` {fault}: {named}"


def _masks(dataset: h5py.Dataset) -> dict[tuple[int, ...], int]:
    """For the corner of every stored chunk the bits of the filters that were left out; to ask one by one is slow."""
    masks: dict[tuple[int, ...], int] = {}

    def take(chunk: h5py.h5d.StoreInfo) -> None:
        masks[chunk.chunk_offset] = chunk.filter_mask

    dataset.id.chunk_iter(take)
    return masks


def _fault(
    dataset: h5py.Dataset, box: tuple[slice, ...], filters: list[int], masks: Mapping[tuple[int, ...], int]
) -> str:
    """What is wrong with one chunk; nothing, if it could be read."""
    corner = tuple(side.start for side in box)
    if corner not in masks:
        return _MISSING
    left_out = masks[corner]
    if left_out >> (len(filters) - 1):
        return _BARE
    try:
        dataset[box]
    except (OSError, RuntimeError):
        return _DAMAGED
    packed = filters[-2:-1] == [_GZIP] and not left_out >> (len(filters) - 2)
    return _SWOLLEN if packed and not _fits(dataset, corner) else ""


def _fits(dataset: h5py.Dataset, corner: tuple[int, ...]) -> bool:
    """Whether gzip makes exactly a chunk of what is stored; HDF5 would take whatever it makes, however much."""
    size = prod(dataset.chunks) * dataset.dtype.itemsize
    _, stored = dataset.id.read_direct_chunk(corner)
    unpacker = zlib.decompressobj()
    return len(unpacker.decompress(stored[:-_CHECKSUM_BYTES], size + 1)) == size and unpacker.eof


def _merged(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges in order, those that touch as one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(set(rows)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
