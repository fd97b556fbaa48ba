"""A log.h5 that shows the rows of segments: whether it shows those of its own run, all of them and nothing else."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import h5py
import numpy as np

from probes.log.layout import NUMBERED, SEGMENT, Series, stored_name

__all__ = ["Part", "view_faults"]


class Part(NamedTuple):
    """What a file of rows holds.

    Example:
        >>> Part("seg-000000.h5", attempt=0, rows=3, first=0, last=20).rows
        3
    """

    file: str
    attempt: int
    rows: int  # that count
    first: int  # steps of those that count; -1 = there is none
    last: int
    after: int = -1  # the step that was recorded before its first, if that is known
    own: Mapping[str, int] = MappingProxyType({})  # rows of each series, where not all are as many


class _Stretch(NamedTuple):
    """Rows of a view, and what it shows there: as many rows of a file, from the first of them on."""

    file: str
    dataset: str
    start: int
    stop: int
    first: int


def view_faults(dataset: h5py.Dataset, series: Series, parts: Mapping[str, Part]) -> Iterator[str]:
    """A line for everything that the dataset shows and `merge` would not, or does not show and it would.

    Args:
        dataset: Of a log.h5 that is a view.
        series: What it is.
        parts: The run's files of rows by name; of a segment that is not among them any number of rows may be shown.

    Example:
        >>> layout = h5py.VirtualLayout((2,), "<f8")
        >>> layout[:] = h5py.VirtualSource("/etc/passwd", "w", (2,))
        >>> with h5py.File("log.h5", "w") as file:
        ...     list(view_faults(file.create_virtual_dataset("w", layout, np.nan), Series("w", (), (), "<f8"), {}))
        ['`/w` shows `w` of `/etc/passwd`, which is no segment of the run']
    """
    if not isinstance(dataset, h5py.Dataset) or not dataset.is_virtual:
        yield f"expected a view of the segments in `{dataset.name}`, got something else"
        return
    missing = np.isnan(dataset.fillvalue) if series.dtype != "<i8" else dataset.fillvalue == np.iinfo("<i8").min
    if dataset.dtype.str != series.dtype or dataset.shape[1:] != series.shape or not missing:
        yield f"expected {series.dtype} {series.shape} a step and NaN for what is missing in `{dataset.name}`"
        return

    end, before = 0, ""
    left = {name: part for name, part in parts.items() if part.rows}
    for each in _stretches(dataset):
        fault = _fault(each, series, left.pop(each.file, None), end)
        if fault or each.file <= before:
            yield f"`{dataset.name}` shows {fault or f'`{each.file}` after `{before}`'}"
            return
        end, before = each.stop, each.file
    if left or end != len(dataset):
        yield f"`{dataset.name}` shows {end} of {len(dataset)} rows, and none of {', '.join(left) or 'a further file'}"


def _fault(found: _Stretch, series: Series, part: Part | None, end: int) -> str:
    """What is wrong with a stretch after ``end`` rows."""
    if not NUMBERED.fullmatch(found.file) or found.file != SEGMENT.format(int(found.file[4:10])):
        return f"`{found.dataset}` of `{found.file}`, which is no segment of the run"
    if found.dataset != stored_name(series.name).replace("%", "%%"):
        return f"`{found.dataset}` of `{found.file}`, which is another series"
    if (found.start, found.first) != (end, 0) or (part and found.stop != end + part.rows):
        return f"other rows of `{found.file}` than it should, or at another place"
    return ""


def _stretches(dataset: h5py.Dataset) -> Iterator[_Stretch]:
    """The sources; a ValueError if one does not show whole rows. HDF5 has seen to it that there are as many."""
    for source in dataset.virtual_sources():
        start, stop = _rows(source.vspace, dataset.shape[1:])
        first, _ = _rows(source.src_space, dataset.shape[1:])
        yield _Stretch(source.file_name, source.dset_name, start, stop, first)


def _rows(space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> tuple[int, int]:
    """The rows that are selected, if they are whole and follow each other."""
    (first, *low), (last, *high) = space.get_select_bounds()
    whole = not any(low) and [length - 1 for length in shape] == high
    if not whole or space.get_select_npoints() != (last + 1 - first) * int(np.prod(shape)):
        raise ValueError("a part of a row in a view")
    return int(first), int(last) + 1
