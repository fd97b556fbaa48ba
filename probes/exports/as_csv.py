"""Recorded series and scalars as CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from probes.files.text import cell
from probes.log.exports.tidy import columns, pieces
from probes.log.layout import Series
from probes.log.view import SeriesView

__all__ = ["series_as_csv", "table_as_csv"]

# Nine digits give back every float32.
_TEXT: dict[str, Callable[[Any], str]] = {"<f4": "%.9g".__mod__, "<f8": repr, "<i8": str}


def series_as_csv(view: SeriesView, path: Path) -> None:
    """Write a long table: a line for every step and cell, labels where the series has some, else numbers from 0.

    Example:
        >>> from probes.log.rows import Rows
        >>> part = Rows(np.array([5]), {"w": np.array([[0.5, 1.0]])}, {})
        >>> series = Series("w", ("view",), (2,), "<f8", labels={"view": ("left", "right")})
        >>> series_as_csv(SeriesView(series, lambda again=False: [part]), Path("w.csv"))
        >>> Path("w.csv").read_text().split()
        ['step,view,value', '5,left,0.5', '5,right,1.0']
    """
    series = view.series
    text = _TEXT[series.dtype]

    @lru_cache(maxsize=1)  # of a series that is not wide it is the same for all pieces
    def middles(first: int, count: int) -> list[str]:
        return _middles(series, first, count)

    with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file:
        file.write(_line(columns(series)) + "\n")
        for piece in pieces(view):
            between = middles(piece.first, piece.values.shape[1])
            for step, values in zip(piece.steps.tolist(), piece.values.tolist(), strict=True):
                lines = [f"{step}{middle}{text(value)}\n" for middle, value in zip(between, values, strict=True)]
                file.write("".join(lines))


def table_as_csv(table: Any, path: Path) -> None:
    """Write a DataFrame that is indexed by step, as `Log.scalars` gives it; what was not logged stays empty.

    Example:
        >>> import pandas as pd
        >>> table_as_csv(pd.DataFrame({"loss": [0.5]}, index=pd.Index([3], name="step")), Path("scalars.csv"))
        >>> Path("scalars.csv").read_text().split()
        ['step,loss', '3,0.5']
    """
    table.rename(columns=cell).to_csv(path, lineterminator="\n", errors="backslashreplace")


def _middles(series: Series, first: int, count: int) -> list[str]:
    """For each of the cells what stands between step and value."""
    if not series.dims:
        return [","]
    places = np.unravel_index(np.arange(first, first + count), series.shape)
    texts = [
        [_line([label]) for label in series.labels.get(dim, map(str, range(length)))]
        for dim, length in zip(series.dims, series.shape, strict=True)
    ]
    cells = zip(*([names[place] for place in along] for names, along in zip(texts, places, strict=True)), strict=True)
    return [f",{','.join(cell)}," for cell in cells]


def _line(cells: Sequence[str]) -> str:
    """The cells with commas between, quoted where they must be."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerow(map(cell, cells))
    return target.getvalue()[:-1]
