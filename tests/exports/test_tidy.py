import numpy as np
import pytest

from probes.log import Series
from probes.log.exports.tidy import columns, pieces
from probes.log.rows import Rows
from probes.log.view import SeriesView


def view(steps, *shape):
    values = np.arange(steps * np.prod(shape, dtype=int), dtype="f4").reshape(steps, *shape)
    series = Series("w", tuple("abc"[: len(shape)]), shape)
    part = Rows(np.arange(steps) * 10, {"w": values}, {})
    return SeriesView(series, lambda again=False: [part])


@pytest.mark.parametrize("shape", [(0, 3), (5,), (2100, 2, 3), (1, 1), (3, 600_000), (2, 2**18)], ids=str)
def test_the_pieces_are_the_table_in_order_and_none_is_large(shape):
    found = list(pieces(view(*shape)))
    cells = int(np.prod(shape[1:], dtype=int))
    values = np.concatenate([np.empty(0, "f4"), *(piece.values.reshape(-1) for piece in found)])
    starts = [piece.steps[0] // 10 * cells + piece.first for piece in found]

    assert all(piece.values.size <= 2**18 for piece in found)
    np.testing.assert_array_equal(values, np.arange(shape[0] * cells))
    assert starts == [0, *np.cumsum([piece.values.size for piece in found])][: len(found)]


def test_a_dim_may_be_called_value():
    assert columns(Series("w", ("value",), (2,))) == ["step", "value", "w.value"]
