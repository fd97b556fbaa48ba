"""A recorded series as one array, wherever its stretches lie."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.errors import LogError
from probes.log.layout import STEP, Series
from probes.log.manifest import Manifest
from probes.log.rows import Rows, join_scalars, join_steps
from probes.schedules import Schedule

__all__ = ["SeriesView"]

_RECENT_ROWS, _RECENT_BYTES = 256, 2**23  # kept in memory: as many rows as a chunk has steps, or fewer wide ones
_MOST_ROWS, _MOST_BYTES = 1024, 2**26  # read at a time
_MOST_LOOKS = 5  # for rows whose files are being taken away


class SeriesView:
    """One array per recorded step, axes ``(step, *dims)``, read from the log when it is indexed.

    The first axis counts recorded rows; which steps they are, `steps` says. Rows that are asked for one at a time
    are read many at a time.

    Args:
        series: What the array is.
        parts: Gives the stretches of the log in order; called with ``again=True`` after one of their files has gone.
        schedule: Which steps have a row of the series; default, all.

    Example:
        >>> part = Rows(np.arange(3), {"w": np.eye(3)}, {})
        >>> view = SeriesView(Series("w", ("neuron",), (3,), "<f8"), lambda again=False: [part, part])
        >>> view.dims, view.shape, view[4]
        (('step', 'neuron'), (6, 3), array([0., 1., 0.]))
    """

    def __init__(self, series: Series, parts: Callable[..., Sequence[Rows]], schedule: Schedule | None = None) -> None:
        self.series = series
        self._schedule = schedule
        self._parts = parts
        self._recent: tuple[Sequence[Rows], int, NDArray[Any]] = ((), 0, np.empty((0, *series.shape)))

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``step`` first."""
        return (STEP, *self.series.dims)

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps at which the series has rows, rising."""
        return np.concatenate([np.empty(0, np.int64), *(part.steps_of(self._schedule) for part in self._parts())])

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return (sum(map(self._rows_of, self._parts())), *self.series.shape)

    def _rows_of(self, part: Rows) -> int:
        return len(part.steps_of(self._schedule))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(self.series.dtype)

    @property
    def at_once(self) -> int:
        """Rows that are read at a time, at least one: 1,024, or as many as 64 MiB hold."""
        return max(1, min(_MOST_ROWS, _MOST_BYTES // self.series.row_bytes))

    def blocks(self, rows: int | None = None) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Steps and values of at most so many rows at a time, or `at_once`, in order."""
        steps = self.steps
        rows = self.at_once if rows is None else rows
        for start in range(0, len(steps), rows):
            yield steps[start : start + rows], self[start : start + rows]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for _, values in self.blocks():
            yield from values

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        first, *rest = index if isinstance(index, tuple) and index else (index,)
        if isinstance(first, int | np.integer):
            return np.asarray(self._row(range(len(self))[first])[tuple(rest)])
        if not isinstance(first, slice | list | np.ndarray):
            return np.asarray(self[:][index])

        plain = all(map(_is_plain, rest))
        if plain and isinstance(first, slice) and first.step in {None, 1}:
            span = range(len(self))[first]
            return self._stretch(span.start, span.stop, rest)
        rows = np.arange(len(self))[first]
        if plain and rows.ndim == 1:
            return self._rows(rows, rest)
        everything = slice(None) if isinstance(first, slice) else np.arange(rows.size).reshape(rows.shape)
        return self._rows(rows.reshape(-1))[(everything, *rest)]

    def _row(self, row: int) -> NDArray[Any]:
        parts, first, recent = self._recent
        if parts is not self._parts() or not first <= row < first + len(recent):
            length = max(1, min(_RECENT_ROWS, _RECENT_BYTES // self.series.row_bytes))
            first = row // length * length
            recent = self._stretch(first, min(first + length, len(self)))
            self._recent = (self._parts(), first, recent)
        values: NDArray[Any] = recent[row - first].copy()
        return values

    def _rows(self, rows: NDArray[np.int64], rest: Sequence[Any] = ()) -> NDArray[Any]:
        """Rows in any order; those that lie close together are read together."""
        wanted, back = np.unique(rows, return_inverse=True)
        apart = (np.diff(wanted) > _RECENT_ROWS) | (np.diff(wanted // self.at_once) > 0)
        runs = [run for run in np.split(wanted, np.flatnonzero(apart) + 1) if run.size]
        taken = [self._stretch(run[0], run[-1] + 1, rest)[run - run[0]] for run in runs]
        return np.concatenate([self._stretch(0, 0, rest), *taken])[back]

    def _stretch(self, low: int, high: int, rest: Sequence[Any] = ()) -> NDArray[Any]:
        parts = self._parts()
        for _ in range(_MOST_LOOKS):
            try:
                return self._joined(parts, low, high, rest)
            except (FileNotFoundError, LogError):  # sealed, packed or resumed since; the rows do not change by that
                parts = self._parts(again=True)
        return self._joined(parts, low, high, rest)

    def _joined(self, parts: Sequence[Rows], low: int, high: int, rest: Sequence[Any]) -> NDArray[Any]:
        pieces = []
        for part in parts:
            count = self._rows_of(part)
            inside = slice(max(low, 0), min(high, count))
            if inside.start < inside.stop:
                pieces.append(part.arrays[self.series.name][inside, *rest])
            low, high = low - count, high - count
        if len(pieces) == 1 and pieces[0].base is None:
            return pieces[0]
        return np.concatenate([np.empty((0, *self.series.shape), self.dtype)[:, *rest], *pieces])


def joined(manifest: Manifest, parts: Sequence[Rows], look: Callable[..., Sequence[Rows]] | None = None) -> Rows:
    """Several stretches as one, whose arrays are read a slice at a time; `look` finds out where they lie by then."""
    look = look or (lambda again=False: parts)
    arrays = {one.name: SeriesView(one, look, manifest.schedules.get(one.name)) for one in manifest.series}
    gaps = [gap for part in parts for gap in part.gaps]
    scalars = join_scalars(part.scalars for part in parts)
    return Rows(join_steps(parts), arrays, scalars, gaps, attempt=len(manifest.attempts))


def _is_plain(index: Any) -> bool:
    """Whether HDF5 can take the index of an axis as NumPy does."""
    return isinstance(index, int | np.integer) or (isinstance(index, slice) and (index.step or 1) > 0)
