"""Recorded series and scalars as Parquet; needs pyarrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import ProbesError
from probes.log.exports.tidy import Piece, columns, pieces
from probes.log.layout import Series
from probes.log.view import SeriesView

__all__ = ["series_as_parquet", "table_as_parquet"]


def series_as_parquet(view: SeriesView, path: Path) -> None:
    """Write a long table, a row group a piece: a row for every step and cell, labels as a dictionary.

    Raises:
        ProbesError: pyarrow is not installed.

    Example:
        >>> import pandas as pd
        >>> from probes.log.rows import Rows
        >>> part = Rows(np.array([5]), {"w": np.array([[0.5, 1.0]])}, {})
        >>> series_as_parquet(SeriesView(Series("w", ("view",), (2,), "<f8"), lambda again=False: [part]), Path("w"))
        >>> pd.read_parquet("w").value.tolist()
        [0.5, 1.0]
    """
    pa, parquet = modules()
    series = view.series
    kinds = [pa.dictionary(pa.int32(), pa.string()) if dim in series.labels else pa.int32() for dim in series.dims]
    kinds = [pa.int64(), *kinds, pa.from_numpy_dtype(np.dtype(series.dtype))]
    schema = pa.schema(list(zip(columns(series), kinds, strict=True)), {"series": series.name, "units": series.unit})
    # Half of what the defaults give: a dictionary is for what repeats, and split bytes of floats are packed better.
    repeats, value = columns(series)[:-1], columns(series)[-1:]
    packed = {"compression": "zstd", "use_dictionary": repeats}
    if series.dtype != "<i8":
        packed["use_byte_stream_split"] = value
    with parquet.ParquetWriter(path, schema, **packed) as writer:
        for piece in pieces(view):
            arrays = list(_arrays(pa, series, piece))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=piece.values.size)


def table_as_parquet(table: Any, path: Path) -> None:
    """Write a DataFrame that is indexed by step, as `Log.scalars` gives it; what was not logged is null.

    Raises:
        ProbesError: pyarrow is not installed.

    Example:
        >>> import pandas as pd
        >>> table_as_parquet(pd.DataFrame({"loss": [0.5]}, index=pd.Index([3], name="step")), Path("scalars"))
        >>> pd.read_parquet("scalars").to_dict("list")
        {'step': [3], 'loss': [0.5]}
    """
    pa, parquet = modules()
    parquet.write_table(pa.Table.from_pandas(table.reset_index(), preserve_index=False), path)


def modules() -> tuple[Any, Any]:
    """Return ``pyarrow`` and ``pyarrow.parquet``; a ProbesError if they are not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        advice = "pip install 'feature-probes[parquet]'"
        raise ProbesError(f"expected pyarrow, which Parquet files need, got none installed; {advice}") from error
    return pa, parquet


def _arrays(pa: Any, series: Series, piece: Piece) -> Iterator[Any]:
    """The columns of a piece."""
    steps, cells = piece.values.shape
    yield pa.array(np.repeat(piece.steps, cells))
    if series.dims:
        for dim, places in zip(series.dims, _places(series, piece), strict=True):
            along = pa.array(np.tile(places.astype(np.int32), steps))
            labels = series.labels.get(dim)
            yield (
                along if labels is None else pa.DictionaryArray.from_arrays(along, pa.array(list(labels), pa.string()))
            )
    yield pa.array(np.ascontiguousarray(piece.values).reshape(-1))


def _places(series: Series, piece: Piece) -> tuple[Any, ...]:
    """For every dim where along it the cells of the piece lie."""
    return np.unravel_index(np.arange(piece.first, piece.first + piece.values.shape[1]), series.shape)
