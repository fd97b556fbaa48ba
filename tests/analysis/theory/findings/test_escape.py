import numpy as np
import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.escape import escape, panel
from probes.log.evaluation import Evaluation
from tests.analysis.hand import SMALL, log_of, race

RATE, THRESHOLD, MOMENT = 0.5, 0.5, 0.25


def run(pace, *, never=()):
    """A log of four classes whose first views are learned `pace` times as late as the theory predicts."""
    peaks, steps = np.array([0.08, 0.04, 0.02, 0.01]), 800
    values = race([[0]] * 4, steps=steps)
    values[0, range(4), 0, range(4), 0] = peaks
    predicted = 4 / 3 * THRESHOLD**2 / (RATE * MOMENT * peaks)
    for class_, step in enumerate(np.ceil(pace * predicted).astype(int)):
        values[1 : steps if class_ in never else step, class_, 0, class_, 0] = SMALL
    recipe = {"training": {"learning_rate": RATE}, "network": {"threshold": THRESHOLD}}
    return log_of(
        values, recipe=recipe, evaluation=Evaluation({"class_view_moment": np.full((4, 2), MOMENT)}, {"q": 3})
    )


def test_the_example_learns_in_the_predicted_order():
    found = escape(example_study())

    assert found["rank_correlation"].min() > 0.8
    assert set(found["role"]) == {"single", "average"}


@pytest.mark.parametrize("pace", [1.0, 2.0])
def test_the_pace_is_the_median_of_measured_over_predicted(pace):
    row = escape(run(pace), every=1).iloc[0]

    assert row["rank_correlation"] == pytest.approx(1)
    assert row["pace"] == pytest.approx(pace, rel=0.02)
    assert row["low"] <= row["pace"] <= row["high"]


def test_what_was_learned_alone_is_compared():
    assert escape(run(1.0, never=[3]), every=1)["n"].tolist() == [3]
    assert escape(run(1.0, never=[2, 3]), every=1).empty


def test_the_panel_has_a_dot_for_every_feature_that_was_learned():
    found = panel(Study(run(1.0, never=[3])))

    assert len(found.table) == 3
    assert len(found.figure.axes[0].get_lines()[-1].get_xdata()) == 3
