import pandas as pd
import pytest

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, canvas
from probes.analysis.sweeps.contrast_panel import draw, marks

TABLE = pd.DataFrame({
    "learner": "tangent",
    "networks": ["single", "ensemble", "distilled", "distilled"],
    "variant": ["", "", "stopped", "literal"],
    "error_mu": [3.0, 0.1, 3.2, 12.0],
    "low": [2.5, 0.0, 2.0, 11.0],
    "high": [3.5, 0.3, 4.0, 13.0],
    "gains": ["", "gains", "unclear", "loses"],
})


@pytest.fixture
def ax():
    return draw(TABLE, canvas(3, 3)[1][0])


def test_a_mark_stands_at_every_mean_in_the_colour_of_its_gain(ax):
    drawn = [line for line in ax.get_lines() if line.get_marker() != "None"]
    found = {(*line.get_xdata(), *line.get_ydata()): line.get_color() for line in drawn}
    assert found == {(0.1, 1): GOOD, (3.2, 2): MUTED, (12.0, 3): BAD, (3.0, 0): INK}


def test_a_line_at_the_single_models_divides_gains_from_losses(ax):
    (line,) = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert list(line.get_xdata()) == [3.0, 3.0]


def test_every_error_is_written_in_numbers(ax):
    assert [text.get_text() for text in ax.texts] == ["3.00", "0.10", "3.20", "12.0"]


def test_a_variant_is_named_where_there_are_several(ax):
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["single models", "their ensemble", "distilled (stopped)", "distilled (literal)"]
    alone = draw(TABLE.iloc[:3], canvas(3, 3)[1][0])
    assert alone.get_yticklabels()[2].get_text() == "distilled"


def test_the_key_names_what_is_there():
    assert [name for _, name in marks(TABLE)] == ["single models", "gains", "unclear", "loses"]
    assert [name for _, name in marks(TABLE.iloc[:2])] == ["single models", "gains"]
