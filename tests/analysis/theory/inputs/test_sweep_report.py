import pandas as pd
import pytest

from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.inputs.inputs import draw
from probes.analysis.theory.inputs.sweep_report import against_single, gains, ratios

ROWS = [
    {"setting": name, "learner": learner, "networks": networks, "count": 2, "error": error, "gain": 0.3 - error,
     "gain_low": 0.0, "gain_high": 0.2, "variance_ratio": 1 / networks, "ratio_low": 0.1, "ratio_high": 0.3,
     "single": 0.3, "colour": "clean", "mark": name}
    for name in ("linear", "residual")
    for learner, networks, error in (("single", 1, 0.3), ("ensemble", 5, 0.25), ("average", 5, 0.2))
]  # fmt: skip
FRAME = pd.DataFrame(ROWS)


def dots(ax):
    return [
        (x, y) for line in ax.get_lines() if line.get_marker() == "o" for x, y in zip(*line.get_data(), strict=True)
    ]


def test_a_dot_stands_at_both_errors():
    _, (ax,) = canvas(3, 3)
    against_single(FRAME, ax, learner="ensemble", by="colour", marks="setting")
    marks = [line.get_data() for line in ax.get_lines() if line.get_marker() in "os"]
    assert [(list(x), list(y)) for x, y in marks] == [([0.3], [0.25]), ([0.3], [0.25])]
    assert ax.get_xlim() == ax.get_ylim()


def test_gains_are_drawn_in_points_one_row_a_setting():
    _, (ax,) = canvas(4, 3)
    gains(FRAME[FRAME["learner"] != "single"], ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["linear", "residual"]
    assert sorted(x for x, _ in dots(ax)) == pytest.approx([5, 5, 10, 10])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ensemble", "trained average"]


def test_ratios_have_a_line_at_one_over_m():
    _, (ax,) = canvas(4, 3)
    ratios(FRAME[FRAME["learner"] != "single"], ax)
    assert list(ax.get_lines()[0].get_xdata()) == [0.2, 0.2]


def test_learners_are_named_with_their_errors():
    _, axes = canvas(6, 2, columns=2, sharey=True)
    draw(FRAME[:3], axes)
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names == [
        "single networks (2): 30.0 %",
        "ensembles of 5 (2): 25.0 %",
        "trained averages of 5 (2): 20.0 %",
    ]
