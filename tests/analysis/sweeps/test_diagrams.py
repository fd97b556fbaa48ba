import numpy as np
import pandas as pd
import pytest

from probes.analysis.plots.canvas import canvas
from probes.analysis.sweeps.diagrams import heat, label_of, lines, members

LINES = pd.DataFrame({
    "x": [1.0, 100.0, 1.0, 100.0],
    "series": ["a", "a", "b", "b"],
    "value": [0.4, 0.5, 0.1, 0.2],
    "low": 0.0,
    "high": 0.6,
    "expected": [0.5, 0.5, 0.0, 0.0],
})


@pytest.fixture
def ax():
    return canvas(3, 3)[1][0]


def test_a_line_goes_through_the_values_and_theory_is_dashed(ax):
    drawn = lines(LINES, ax, x="x", names={"a": "first", "b": "second"}).get_lines()
    assert [line.get_ydata().tolist() for line in drawn] == [[0.5, 0.5], [0.4, 0.5], [0.0, 0.0], [0.1, 0.2]]
    assert [line.get_linestyle() for line in drawn] == ["--", "-", "--", "-"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["first", "second", "theory"]


@pytest.mark.parametrize(("values", "scale"), [([1, 100], "log"), ([1, 3], "linear"), ([0, 100], "linear")])
def test_an_axis_of_decades_is_logarithmic(ax, values, scale):
    frame = LINES.iloc[:2].assign(x=values)
    assert lines(frame, ax, x="x", names={"a": "first"}).get_xscale() == scale


def test_words_stand_side_by_side_in_the_order_they_come_in_and_nothing_joins_them(ax):
    drawn = lines(LINES.assign(x=["one", "even"] * 2), ax, x="x", names={"a": "first", "b": "second"}).get_lines()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["one", "even"]
    assert {line.get_linestyle() for line in drawn} == {"None"}
    assert [sorted(line.get_xdata()) for line in drawn[1::2]] == [[-0.065, 0.935], [0.065, 1.065]]


def test_long_words_are_slanted(ax):
    lines(LINES.iloc[:2].assign(x=["gradient descent", "stochastic"]), ax, x="x", names={"a": "first"})
    assert [label.get_rotation() for label in ax.get_xticklabels()] == [35, 35]


def test_a_cell_has_its_number_and_one_that_was_not_measured_has_none(ax):
    frame = pd.DataFrame({"x": [1, 2, 1], "y": [3, 3, 4], "value": [0.0, 1.0, 0.5]})
    heat(frame, ax, x="x", y="y", title="share")
    assert [text.get_text() for text in ax.texts] == ["0.00", "1.00", "0.50"]
    assert ax.get_images()[0].get_array()[1, 1].tolist() == [0, 0, 0, 0]


def test_numbers_are_read_on_every_colour(ax):
    heat(pd.DataFrame({"x": [1, 2], "y": 3, "value": [0.0, 1.0]}), ax, x="x", y="y", title="share")
    assert [text.get_color() for text in ax.texts] == ["white", "black"]


@pytest.mark.parametrize(("by", "count"), [("", 2), ("q", 3)])
def test_every_value_of_a_key_has_a_line_over_members(ax, by, count):
    frame = pd.DataFrame({"members": [1, 2, 1, 2], "q": [3, 3, 4, 4], "coverage": 0.5, "low": 0.4, "high": 0.6})
    members(frame.assign(expected=np.nan), ax, value="coverage", ends=("low", "high"), by=by)
    assert len(ax.get_lines()) == count


def test_a_recipe_key_has_the_papers_symbol():
    assert [label_of(name) for name in ("network.init_scale", "runs.single")] == ["initial scale σ₀", "members K"]
