"""A series as a long table: a row for every step and cell, made a piece at a time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.log.layout import STEP, Series
from probes.log.view import SeriesView

__all__ = ["Piece", "columns", "pieces"]

_MOST_ROWS = 2**18  # of a piece


class Piece(NamedTuple):
    """A stretch of a long table: some steps, and some cells of each.

    Example:
        >>> Piece(np.array([0, 5]), first=1, values=np.zeros((2, 3))).values.size
        6
    """

    steps: NDArray[np.int64]  # (step,)
    first: int  # of the cells, as they lie in an array of a step
    values: NDArray[Any]  # (step, cell)


def columns(series: Series) -> list[str]:
    """Names of the columns: ``step``, the dims, ``value``.

    Example:
        >>> columns(Series("w", ("class", "neuron"), (2, 3)))
        ['step', 'class', 'neuron', 'value']
    """
    value = "value" if "value" not in series.dims else f"{series.name}.value"
    return [STEP, *series.dims, value]


def pieces(view: SeriesView) -> Iterator[Piece]:
    """The whole table in order, step by step; of a wide series a step is several pieces.

    Example:
        >>> from probes.log.rows import Rows
        >>> part = Rows(np.array([0, 5]), {"w": np.ones((2, 3))}, {})
        >>> view = SeriesView(Series("w", ("neuron",), (3,)), lambda again=False: [part])
        >>> [piece.values.shape for piece in pieces(view)]
        [(2, 3)]
    """
    for steps, values in view.blocks():
        flat = values.reshape(len(steps), -1)
        height = max(1, _MOST_ROWS // flat.shape[1])
        for top in range(0, len(steps), height):
            for first in range(0, flat.shape[1], _MOST_ROWS):
                yield Piece(steps[top : top + height], first, flat[top : top + height, first : first + _MOST_ROWS])
