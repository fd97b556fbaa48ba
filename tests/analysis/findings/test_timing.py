import numpy as np
import pytest

from probes.analysis import timing
from probes.analysis.findings.timing import settled
from tests.analysis.general import tap_log


def run_of(*rows, steps=None):
    """A run of features whose peaks are these at each step, beside a null of 1."""
    values = np.array(rows, dtype=float)[:, None]
    return tap_log(values, steps=steps, null=(("random", "statistic"), np.ones((len(values), 8, 4))))


def test_a_crossing_lies_between_the_last_step_not_learned_and_the_next():
    table = timing(run_of([0, 0, 0], [9, 0, 0], [9, 9, 0], [9, 9, 9], steps=[0, 10, 30, 70]))

    assert table["crossing_after"].tolist() == [0, 10, 30]
    assert table["crossing"].tolist() == [10, 30, 70]
    assert table["order"].tolist() == [1, 2, 3]


def test_only_the_last_crossing_is_for_good():
    assert timing(run_of([0], [9], [0], [9]))[["crossing_after", "crossing"]].values.tolist() == [[2, 3]]


def test_what_is_not_learned_at_the_end_has_no_crossing():
    table = timing(run_of([0, 0], [9, 9], [9, 0]))

    assert table["crossing"].isna().tolist() == [False, True]
    assert table["order"].isna().tolist() == [False, True]
    assert table["crossing_after"].tolist() == [0, 2]


def test_what_is_learned_from_the_first_step_on_crosses_there():
    table = timing(run_of([9, 9], [9, 0], [9, 9]))

    assert table["crossing"].tolist() == [0, 2]
    assert table["crossing_after"].isna().tolist() == [True, False]


def test_features_that_cross_together_share_their_place():
    assert timing(run_of([0, 0, 0], [9, 9, 0], [9, 9, 9]))["order"].tolist() == [1, 1, 3]


@pytest.mark.parametrize("seed", range(3))
def test_crossings_are_those_of_a_search_from_the_end(seed):
    holds = np.random.default_rng(seed).uniform(size=(6, 20)) < 0.7
    steps = np.array([0, 1, 4, 9, 16, 25])
    after, since = settled(steps, holds)

    for place in range(20):
        row = len(steps)
        while row > 0 and holds[row - 1, place]:
            row -= 1
        expected = (steps[row - 1] if row else np.nan, steps[row] if row < len(steps) else np.nan)
        assert np.array_equal((after[place], since[place]), expected, equal_nan=True)
