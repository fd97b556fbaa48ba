"""What is checked of the groups and datasets of an HDF5 file before any data is read: it may come from strangers."""

from collections.abc import Collection, Iterable
from math import prod
from pathlib import Path

import h5py

from probes.files.durable import refusal

__all__ = ["check_dataset", "check_links", "check_together", "read_text"]

_BLOSC2 = 32026
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF, _BLOSC2}
_MOST_CHUNK_BYTES = 2**26
_MOST_BYTES = 2**32
_MOST_RATIO = 1000  # of declared to stored bytes; gzip at level 1 reaches 230, on zeros
_MOST_LINKS = 2**16  # of a group
_MOST_TEXT = 2**24  # bytes


def check_links(group: h5py.Group, allowed: Collection[str] | None = None, most: int = _MOST_LINKS) -> None:
    """Refuse a group that holds a link to elsewhere, a name that is not allowed, or too many.

    Example:
        >>> with h5py.File("links.h5", "w") as file:
        ...     file["far"] = h5py.ExternalLink("other.h5", "/")
        ...     check_links(file)
        Traceback (most recent call last):
        ValueError: `far`, a link to elsewhere
    """
    if len(group) > most:
        raise ValueError(f"{len(group)} names in `{group.name}`, of at most {most}")
    for stored in group.id:  # not by a callback, in which HDF5 would swallow a Ctrl-C
        name = stored.decode()
        if group.id.links.get_info(stored).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"`{name}`, a link to elsewhere")
        if allowed is not None and name not in allowed:
            raise ValueError(f"`{name}`, which does not belong there")


def check_dataset(
    dataset: h5py.Dataset, dtype: str | None = None, shape: tuple[int | None, ...] | None = None
) -> h5py.Dataset:
    """The dataset itself, if it is as expected and safe to read; None in the shape stands for any length.

    Example:
        >>> with h5py.File("data.h5", "w") as file:
        ...     file["w"] = [1.0, 2.0]
        ...     check_dataset(file["w"], "<f8", (None,)).shape
        (2,)
    """
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"no dataset in `{dataset.name}`")

    plan = dataset.id.get_create_plist()
    filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    chunk = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    declared, stored = dataset.nbytes, dataset.id.get_storage_size()
    fits = shape is None or (
        len(shape) == dataset.ndim and all(want in {None, got} for want, got in zip(shape, dataset.shape, strict=True))
    )
    for holds, found in (
        (dataset.dtype.kind in "iuf" and dtype in {None, dataset.dtype.str}, f"dtype {dataset.dtype}"),
        (fits, f"shape {dataset.shape}"),
        (not dataset.is_virtual, "data of other files, virtual,"),
        (not plan.get_external_count(), "data of other files, external,"),
        (filters <= _FILTERS, f"filters {sorted(filters - _FILTERS)}"),
        (chunk <= _MOST_CHUNK_BYTES, f"chunks of {chunk} bytes"),
        (declared <= min(_MOST_BYTES, _MOST_RATIO * stored), f"{declared} bytes made of {stored}"),
    ):
        if not holds:
            raise ValueError(f"{found} in `{dataset.name}`")
    if _BLOSC2 in filters:
        _find_blosc2(Path(dataset.file.filename))
    return dataset


def check_together(datasets: Iterable[h5py.Dataset], most: int, ratio: int) -> None:
    """Refuse datasets that are more bytes together than so many, or than so many times what is stored of them.

    Example:
        >>> with h5py.File("together.h5", "w") as file:
        ...     file["w"] = [1.0, 2.0]
        ...     check_together([file["w"]], most=8, ratio=1)
    """
    sizes = [(one.nbytes, one.id.get_storage_size()) for one in datasets]
    declared, stored = map(sum, zip(*sizes, strict=True)) if sizes else (0, 0)
    if declared > max(most, ratio * stored):
        raise ValueError(f"{declared} bytes made of {stored} in {len(sizes)} datasets")


def read_text(dataset: h5py.Dataset) -> bytes:
    """A text that is stored as an array of bytes; a ValueError if it is none, or too long.

    Example:
        >>> import numpy as np
        >>> with h5py.File("text.h5", "w") as file:
        ...     file["t"] = np.frombuffer(b"seed-0", "u1")
        ...     read_text(file["t"])
        b'seed-0'
    """
    if check_dataset(dataset, "|u1", (None,)).nbytes > _MOST_TEXT:
        raise ValueError(f"{dataset.nbytes} bytes of text in `{dataset.name}`")
    content: bytes = dataset[()].tobytes()
    return content


def _find_blosc2(path: Path) -> None:
    try:
        import hdf5plugin  # noqa: F401 - HDF5 has its filters from then on
    except ImportError as error:
        reason = "expected hdf5plugin, which reads blosc2, got none"
        raise refusal(path, reason, "pip install feature-probes[fast]") from error
