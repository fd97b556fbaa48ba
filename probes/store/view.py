"""A recorded series as one array, wherever its stretches lie."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.store.layout import STEP, Series
from probes.store.rows import Rows, Sliceable, join_steps

__all__ = ["SeriesView"]

_RECENT_ROWS = 1024  # as many as a chunk has steps
_RECENT_BYTES = 2**23


class SeriesView:
    """One array per recorded step, axes ``(step, *dims)``, read from the log when it is indexed.

    The first axis counts recorded rows; which steps they are, `Log.steps` says. Rows that are asked for one at a time
    are read many at a time.

    Args:
        series: What the array is.
        parts: Gives the stretches of the log in order; called with ``again=True`` after one of their files has gone.

    Example:
        >>> part = Rows(np.arange(3), {"w": np.eye(3)}, {})
        >>> view = SeriesView(Series("w", ("neuron",), (3,), "<f8"), lambda again=False: [part, part])
        >>> view.dims, view.shape, view[4]
        (('step', 'neuron'), (6, 3), array([0., 1., 0.]))
    """

    def __init__(self, series: Series, parts: Callable[..., Sequence[Rows]]) -> None:
        self.series = series
        self._parts = parts
        self._recent: tuple[int, NDArray[Any]] = (0, np.empty((0, *series.shape)))

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``step`` first."""
        return (STEP, *self.series.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        return (sum(map(len, self._parts())), *self.series.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(self.series.dtype)

    def blocks(self, rows: int = _RECENT_ROWS) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Steps and values of at most so many rows at a time, in order; the whole is never in memory."""
        steps = join_steps(self._parts())
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
            return np.asarray(self._rows(np.arange(len(self)))[index])

        rows = np.arange(len(self))[first]
        if all(map(_is_plain, rest)) and rows.ndim == 1:
            return self._rows(rows, *rest)
        everything = slice(None) if isinstance(first, slice) else np.arange(rows.size).reshape(rows.shape)
        return self._rows(rows.reshape(-1))[(everything, *rest)]

    def _row(self, row: int) -> NDArray[Any]:
        first, recent = self._recent
        if not first <= row < first + len(recent):
            length = max(1, min(_RECENT_ROWS, _RECENT_BYTES // self.series.row_bytes))
            first = row // length * length
            recent = self._rows(np.arange(first, min(first + length, len(self))))
            self._recent = (first, recent)
        values: NDArray[Any] = recent[row - first].copy()
        return values

    def _rows(self, rows: NDArray[np.int64], *rest: Any) -> NDArray[Any]:
        try:
            return self._gathered(self._parts(), rows, rest)
        except FileNotFoundError:  # sealed or packed since; what the rows hold does not change by that
            return self._gathered(self._parts(again=True), rows, rest)

    def _gathered(self, parts: Sequence[Rows], rows: NDArray[np.int64], rest: tuple[Any, ...]) -> NDArray[Any]:
        pieces = [np.empty((0, *self.series.shape), self.dtype)[:, *rest]]
        places = [np.empty(0, np.int64)]
        start = 0
        for part in parts:
            inside = np.flatnonzero((rows >= start) & (rows < start + len(part)))
            if inside.size:
                pieces.append(_taken(part.arrays[self.series.name], rows[inside] - start, rest))
                places.append(inside)
            start += len(part)

        if len(pieces) == 2:
            return pieces[1]
        joined, order = np.concatenate(pieces), np.concatenate(places)
        return joined if np.array_equal(order, np.arange(len(order))) else joined[np.argsort(order)]


def _is_plain(index: Any) -> bool:
    """Whether HDF5 can take the index of an axis as NumPy does."""
    return isinstance(index, int | np.integer) or (isinstance(index, slice) and (index.step or 1) > 0)


def _taken(array: Sliceable, rows: NDArray[np.int64], rest: tuple[Any, ...]) -> NDArray[Any]:
    low, high = int(rows.min()), int(rows.max()) + 1
    values = array[(slice(low, high), *rest)]
    if not np.array_equal(rows, np.arange(low, high)):
        return values[rows - low]
    return values if values.base is None else values.copy()
