import numpy as np
import pandas as pd
import pytest

from probes.analysis.plots import marks
from probes.analysis.plots.canvas import canvas


@pytest.fixture
def ax():
    return canvas(5, 4)[1][0]


def test_the_first_row_is_at_the_top(ax):
    marks.rows_named(ax, ["first", "second", "third"])

    assert [(tick, label.get_text()) for tick, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)] == [
        (0, "first"),
        (1, "second"),
        (2, "third"),
    ]
    assert ax.get_ylim() == (2.5, -0.5)


def test_an_interval_goes_from_low_to_high_in_its_row(ax):
    table = pd.DataFrame({"low": [0.1, 0.4], "value": [0.2, 0.5], "high": [0.3, 0.9]})
    marks.intervals(ax, table, [3, 1], value="value", colour="black")

    assert [segment.tolist() for segment in ax.collections[0].get_segments()] == [
        [[0.1, 3], [0.3, 3]],
        [[0.4, 1], [0.9, 1]],
    ]
    assert ax.get_lines()[0].get_xydata().tolist() == [[0.2, 3], [0.5, 1]]


def test_thin_lines_are_the_columns_and_the_bold_one_their_median(ax):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(4, 5)), index=[0, 1, 5, 9])
    marks.thin_lines(ax, wide, "black")
    *thin, bold = ax.get_lines()

    assert [line.get_ydata().tolist() for line in thin] == [wide[column].tolist() for column in wide]
    assert bold.get_ydata().tolist() == [sorted(row)[2] for row in wide.to_numpy()]
    assert bold.get_linewidth() > thin[0].get_linewidth()


def test_of_an_empty_table_nothing_is_drawn(ax):
    marks.thin_lines(ax, pd.DataFrame(), "black")

    assert ax.get_lines() == []


def test_cells_are_square_and_whole(ax):
    marks.cell_axes(ax, 4, 2)

    assert (ax.get_xlim(), ax.get_ylim(), ax.get_aspect()) == ((-0.5, 3.5), (1.5, -0.5), 1)
