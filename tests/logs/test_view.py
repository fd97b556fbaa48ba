import numpy as np
import pytest

from probes.log import Series
from probes.log.rows import Rows
from probes.log.view import SeriesView


class Counted:
    """An array that counts how often it is read."""

    def __init__(self, values):
        self.values = values
        self.reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return self.values[index]


def view_of(*lengths, shape=(4,)):
    """A view of stretches of such lengths, and the stretches' arrays."""
    values = np.random.default_rng(0).normal(size=(sum(lengths), *shape))
    arrays = [Counted(part) for part in np.split(values, np.cumsum(lengths)[:-1])]
    parts = [Rows(np.arange(len(array.values)), {"w": array}, {}) for array in arrays]
    return SeriesView(Series("w", tuple("abc"[: len(shape)]), shape, "<f8"), lambda again=False: parts), values, arrays


def test_rows_one_at_a_time_are_read_many_at_a_time():
    view, values, (array,) = view_of(3000)
    for row in range(3000):
        np.testing.assert_array_equal(view[row], values[row])

    assert array.reads == 12


def test_only_the_stretches_that_are_asked_for_are_read():
    view, values, arrays = view_of(10, 10, 10)
    np.testing.assert_array_equal(view[12:15], values[12:15])

    assert [array.reads for array in arrays] == [0, 1, 0]


@pytest.mark.parametrize(("rows", "reads"), [([2900, 5, 5], 2), (slice(None, None, 100), 3), (slice(9, 5), 0)], ids=str)
def test_rows_that_lie_close_together_are_read_together(rows, reads):
    view, values, (array,) = view_of(3000)
    np.testing.assert_array_equal(view[rows], values[rows])
    np.testing.assert_array_equal(view[rows, 1], values[rows, 1])

    assert array.reads == 2 * reads


def test_blocks_never_hold_more_than_they_should():
    view, values, _ = view_of(10, 10, 3)

    assert [len(block) for _, block in view.blocks(8)] == [8, 8, 7]
    np.testing.assert_array_equal(np.concatenate([block for _, block in view.blocks(8)]), values)


def test_wide_rows_are_read_few_at_a_time():
    array = Counted(np.broadcast_to(np.float32(1), (5, 2**23)))  # 32 MiB a row
    view = SeriesView(Series("w", ("a",), (2**23,)), lambda again=False: [Rows(np.arange(5), {"w": array}, {})])

    assert [len(values) for _, values in view.blocks()] == [2, 2, 1]
    assert (view[:, 7], array.reads) == (pytest.approx(np.ones(5)), 4)
    assert (view[[0, 1, 4], 7], array.reads) == (pytest.approx(np.ones(3)), 6)


def test_a_file_that_has_gone_is_looked_for_once_more():
    view, values, (array,) = view_of(5)
    parts = [Rows(np.arange(5), {"w": array}, {})]

    class Gone(Counted):
        def __getitem__(self, index):
            raise FileNotFoundError

    gone = [Rows(np.arange(5), {"w": Gone(values)}, {})]
    view = SeriesView(view.series, lambda again=False: parts if again else gone)
    np.testing.assert_array_equal(view[:], values)
