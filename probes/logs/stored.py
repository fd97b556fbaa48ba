"""HDF5 files as they are read: checked first, since they may come from strangers, then a slice at a time."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.files.durable import check_plain, refusal
from probes.log.hdf5.sparse_reads import Chunks, identity
from probes.log.hdf5.validation import check_dataset, check_links, check_together
from probes.log.layout import (
    MOST_STORED_SCALARS,
    PACKED,
    SCALARS,
    STEP,
    Series,
    axis_names,
    check_format,
    plain_name,
    stored_name,
)
from probes.log.manifest import Manifest
from probes.log.rows import Gap, Rows, Scalars

__all__ = ["StoredSeries"]

_MOST_LOGGED = 2**26, 64  # of all scalars of a file: bytes, or times the stored ones
_PIECE = 2**17  # steps that are read at a time
# Those that files of ours have; a user may add others.
_ATTRIBUTES = frozenset({"attempt", "format_version", "gaps", "run_id", "segments"})
# All that h5py raises on damage.
_DAMAGE = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, MemoryError)
_WRITTEN = "already open for write"  # as HDF5 says
# Errors that are not the file's -> what to do.
_ADVICE = {
    errno.EACCES: "give yourself the right to read it",
    errno.EMFILE: "close other files, or allow more of them (ulimit -n)",
    errno.ENFILE: "close other files",
}


def _access() -> Any:
    """How a file is opened: without a lock, and in half the time that h5py takes on its own."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_file_locking(False, True)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    return access


# Tried in turn. HDF5 shares what it knows of a file with all in this process who hold it open by the same driver, and
# refuses other ways of locking or closing than theirs; a file that is open for writing is refused to any other driver.
_ACCESS, _BY_OTHER_DRIVER, _AS_OTHERS_DO = _access(), _access(), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
_BY_OTHER_DRIVER.set_fapl_stdio()


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file, open for reading without a lock; whatever is wrong with it is told as a refusal."""
    check_plain(path)
    try:
        number = _opened(bytes(path))
        try:
            yield h5py.File(number)
        finally:
            number.close()
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        path.lstat()  # a FileNotFoundError, if the file has just been removed
        raise refusal(path, *_reason(error)) from error


def _reason(error: Exception) -> tuple[str, ...]:
    """What is wrong with a file, and what to do where the fault is not the file's."""
    if isinstance(error, MemoryError):
        return f"expected memory to read it, got {str(error) or 'too little'}", "free some"
    if (number := getattr(error, "errno", None)) in _ADVICE:
        return f"expected a file that can be read, got {error}", _ADVICE[number]
    if _WRITTEN in str(error):
        return f"expected a file that nobody writes, got {error}", "close it there; if it is closed, `h5clear -s` it"
    return (f"expected an intact HDF5 file of a run, got {error}",)


def _opened(path: bytes) -> Any:
    """The file, also where others in this process have it open."""
    try:
        return h5py.h5f.open(path, h5py.h5f.ACC_RDONLY, _ACCESS)
    except OSError as error:
        if error.errno:
            raise
        for access in (_BY_OTHER_DRIVER, _AS_OTHERS_DO):
            with suppress(OSError):
                return h5py.h5f.open(path, h5py.h5f.ACC_RDONLY, access)
        raise


def _read_steps(dataset: h5py.Dataset) -> NDArray[np.int64]:
    """The steps, a stretch at a time: a file can declare far more of them than it holds, but those rise."""
    check_dataset(dataset, "<i8", (None,))
    pieces = [np.empty(0, np.int64)]
    for start in range(0, len(dataset), _PIECE):
        steps = dataset[start : start + _PIECE]
        if (np.diff(steps) <= 0).any() or (pieces[-1].size and steps[0] <= pieces[-1][-1]):
            raise ValueError(f"steps that do not rise after row {start}")
        pieces.append(steps)
    return np.concatenate(pieces)


@dataclass(frozen=True, eq=False)
class StoredSeries:
    """A recorded array in a file, read a slice at a time; where the file is damaged the values are NaN.

    Example:
        >>> with h5py.File("seg-000000.h5", "w") as file:
        ...     file["loss"] = np.array([2.0, 1.0])
        >>> StoredSeries(Path("seg-000000.h5"), Series("loss", (), (), "<f8"), np.array([0, 1]), [])[1:]
        array([1.])
    """

    path: Path
    series: Series
    steps: NDArray[np.int64]
    faults: list[str]  # grows by a line where damage is met
    seen: tuple[int, ...] = ()  # identity of the file when it was checked
    chunks: Chunks = field(default_factory=Chunks)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        few = self.chunks.read(self.path, index)
        if few is not None:
            return few
        with opened(self.path) as file:
            dataset = h5py.Dataset(h5py.h5d.open(file.id, stored_name(self.series.name).encode()))
            if identity(self.path.lstat()) != self.seen:
                check_dataset(dataset, self.series.dtype, (len(self.steps), *self.series.shape))
            try:
                values: NDArray[Any] = dataset[index]
                self.chunks.looked_up(dataset, index)
            except OSError:
                if dataset.dtype.kind != "f":
                    raise
                values = self._undamaged(dataset, index)
        return values

    def _undamaged(self, dataset: h5py.Dataset, index: Any) -> NDArray[Any]:
        """What can be read of it, chunk by chunk."""
        first, *rest = index if isinstance(index, tuple) else (index,)
        low, high, step = first.indices(len(dataset))
        start, stop = low - low % dataset.chunks[0], min(high + -high % dataset.chunks[0], len(dataset))

        values = np.full((stop - start, *dataset.shape[1:]), np.nan, dataset.dtype)
        for box in dataset.iter_chunks((slice(start, stop), *(slice(0, length) for length in dataset.shape[1:]))):
            try:
                values[box[0].start - start : box[0].stop - start, *box[1:]] = dataset[box]
            except OSError:
                begin, end = self.steps[box[0]][[0, -1]]
                fault = f"`{self.path}`: damaged; NaN stands for some of `{self.series.name}`, steps {begin} to {end}"
                self.faults.extend([] if fault in self.faults else [fault])
        return values[low - start : high - start : step, *rest]


def open_segment(path: Path, manifest: Manifest) -> Rows:
    """A file of rows: steps and scalars are read now, the series when they are asked for."""
    seen = identity(path.lstat())
    with opened(path) as file:
        attempt, gaps = check_root(file, manifest)
        steps = read_steps(file, manifest)
        for one in manifest.series:
            check_dataset(file[stored_name(one.name)], one.dtype, (len(steps[one.name]), *one.shape))
        scalars = stored_scalars(file)

    faults: list[str] = []
    arrays = {one.name: StoredSeries(path, one, steps[one.name], faults, seen) for one in manifest.series}
    return Rows(steps[""], arrays, scalars, gaps, faults, path.name, attempt)


def read_steps(file: h5py.File, manifest: Manifest) -> dict[str, NDArray[np.int64]]:
    """The steps at which each series has rows, by name, and as ``""`` those at which any has."""
    common = _read_steps(file[STEP])
    axes = axis_names(manifest.series)
    own = {one.name: _read_steps(file[stored_name(axes[one.name, STEP])]) for one in manifest.series if one.schedule}
    rows = Rows(reduce(np.union1d, own.values(), common), {}, {})
    found = {"": common} | {one.name: own.get(one.name, common) for one in manifest.series}
    for name, schedule in manifest.schedules.items():
        if not np.array_equal(found[name], rows.steps_of(schedule)):
            raise ValueError(f"other steps of `{name or STEP}` than its schedule `{schedule}` says")
    return found | {"": rows.steps}


def segments_shown(path: Path) -> int:
    """How many segments a log.h5 is a view of; 0 if it holds the rows itself."""
    with opened(path) as file:
        return min(int(checked_attributes(file).get("segments", 0)), 10**6)


def checked_attributes(file: h5py.File) -> dict[str, Any]:
    """The attributes of a file whose format is known, as numbers, texts and lists.

    Texts of variable length are not read: they lie where HDF5 has no checksums, and it can hang on damage there. Those
    that users have added are passed over, and one in the place of a file's own is refused.
    """
    found: dict[str, Any] = {}
    for number in range(h5py.h5a.get_num_attrs(file.id)):
        attribute = h5py.h5a.open(file.id, index=number)
        name = attribute.name.decode(errors="backslashreplace")
        if attribute.dtype.kind not in "iufS" or attribute.shape is None:
            if name not in _ATTRIBUTES:
                continue
            raise ValueError(f"dtype {attribute.dtype} in attribute `{name}`")
        values = np.empty(attribute.shape, attribute.dtype)
        attribute.read(values)
        value = values.tolist()
        found[name] = value.decode() if isinstance(value, bytes) else value
    check_format(Path(file.filename), found.pop("format_version", None))
    return found


def check_root(file: h5py.File, manifest: Manifest) -> tuple[int, list[Gap]]:
    attributes = checked_attributes(file)
    if attributes["run_id"] != manifest.run_id:
        raise ValueError(f"rows of run `{attributes['run_id']}`, not of `{manifest.run_id}`")
    axes = axis_names(manifest.series).values()
    check_links(file, {STEP, SCALARS, PACKED, *map(stored_name, [*axes, *(one.name for one in manifest.series)])})
    if attributes["attempt"] < 0:
        raise ValueError(f"attempt {attributes['attempt']}")
    return int(attributes["attempt"]), [Gap(*gap) for gap in attributes.get("gaps", [])]


def stored_scalars(file: h5py.File) -> Scalars:
    if SCALARS not in file:
        return {}
    check_links(file[SCALARS], most=MOST_STORED_SCALARS)
    found: dict[str, tuple[h5py.Dataset, h5py.Dataset]] = {}
    for name, group in file[SCALARS].items():
        check_links(group, {"step", "value"})
        steps = check_dataset(group["step"], "<i8", (None,))
        values = check_dataset(group["value"], "<f8", steps.shape)
        found[plain_name(name)] = (steps, values)
    check_together(chain.from_iterable(found.values()), *_MOST_LOGGED)
    return {name: (steps[:], values[:]) for name, (steps, values) in found.items()}
