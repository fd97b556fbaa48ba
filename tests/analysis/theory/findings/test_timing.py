import math

import numpy as np
import pandas as pd
import pytest

from probes.analysis.findings import features
from probes.analysis.findings.timing import settled
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.timing import escape_times, timing
from probes.log.evaluation import Evaluation
from tests.analysis.hand import SMALL, log_of, race

RATE, THRESHOLD = 2.0, 0.5
RECIPE = {"training": {"learning_rate": RATE}, "network": {"threshold": THRESHOLD}}


def crossing_at(crossings, *, steps=10, **facts):
    """A log whose classes learn view 0 at these steps, None for never."""
    values = race([[0]] * len(crossings), steps=steps)
    for class_, step in enumerate(crossings):
        values[1 : steps if step is None else step, class_, 0, class_, 0] = SMALL
    return log_of(values, **facts)


def evaluated(moment, q=3):
    return Evaluation({"class_view_moment": np.asarray(moment, dtype=float)}, {"q": q})


def test_crossings_and_their_order_are_those_that_were_made():
    table = timing(crossing_at([4, 2, 7, None, 4])).query("view == 0")

    assert table["crossing"].tolist()[:3] == [4, 2, 7]
    assert table["crossing"].isna().tolist() == [False, False, False, True, False]
    assert table["crossing_after"].tolist()[:3] == [3, 1, 6]
    assert table["order"].fillna(0).tolist() == [2, 1, 4, 0, 2]


def test_only_the_last_crossing_counts():
    log = crossing_at([4, 2, 2])
    values = np.array(log["correlations"][:])
    values[6, 0, 0, 0, 0] = SMALL

    assert timing(log_of(values)).query("view == 0")["crossing"].tolist() == [7, 2, 2]


def test_steps_are_those_of_the_log_and_not_its_rows():
    log = crossing_at([4, 2, 7], steps=10)
    spread = log_of(np.array(log["correlations"][:]), steps=np.arange(10) * 50)

    assert timing(spread).query("view == 0")["crossing"].tolist() == [200, 100, 350]


def test_a_thin_table_says_between_which_steps():
    log = crossing_at([4, 2, 7])
    table = timing(log, every=3).query("view == 0")

    assert table[["crossing_after", "crossing"]].to_numpy().tolist() == [[3, 6], [0, 3], [6, 9]]


def test_a_condition_that_always_holds_has_settled_at_the_first_step():
    after, crossing = settled(np.array([5, 6]), np.array([[True, False], [True, False]]))

    assert [math.isnan(value) for value in (*after, *crossing)] == [True, False, False, True]
    assert (crossing[0], after[1]) == (5, 6)


@pytest.mark.parametrize("q", [3, 4])
def test_the_escape_time_is_that_of_the_update_it_describes(q):
    classes, moment, x = 4, 0.3, 0.004
    log = log_of(race([[0]] * classes), recipe=RECIPE, evaluation=evaluated(np.full((classes, 2), moment), q))
    found = escape_times(log, np.full((classes, 2), x))[0, 0]

    steps = 0
    while x < THRESHOLD:
        x += RATE * (1 - 1 / classes) * moment * (x / THRESHOLD) ** (q - 1)
        steps += 1
    assert found == pytest.approx(steps, rel=0.05)


def test_a_peak_of_zero_never_escapes():
    log = log_of(race([[0]] * 3), recipe=RECIPE, evaluation=evaluated(np.ones((3, 2))))

    assert np.isinf(escape_times(log, np.zeros((3, 2)))).all()


@pytest.mark.parametrize("facts", [{"parents": ("b",)}, {"continues": "b"}, {"recipe": {}}])
def test_without_what_it_needs_no_escape_time_is_predicted(facts):
    log = log_of(race([[0]] * 3), **{"recipe": RECIPE, "evaluation": evaluated(np.ones((3, 2))), **facts})

    assert np.isnan(escape_times(log, np.ones((3, 2)))).all()


def test_a_run_read_in_pieces_crosses_as_one_read_whole(monkeypatch):
    logs = example_study()
    whole = timing(logs, every=1)
    monkeypatch.setattr(features, "_TABLE_ROWS", 7 * 12)  # seven steps of six classes with two views

    pd.testing.assert_frame_equal(timing(logs, every=1), whole)
