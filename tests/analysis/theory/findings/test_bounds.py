import math

import numpy as np
import pytest

from probes.analysis import bounds
from probes.analysis.theory.findings.bounds import allowed
from tests.analysis.hand import GROWN, evaluation_of, log_of, race

RACE = [[0], [1], [0]]


def raced(values, run="a", **facts):
    return log_of(values, run, role="single", evaluation=evaluation_of(), **facts)


def largest(values, bound):
    """The bound's rows, in units of the correlations themselves."""
    table = bounds(raced(values))
    return (table[table["bound"] == bound].set_index("class")["largest"] * values[0].std()).round(6).to_dict()


def test_what_came_and_went_is_seen_at_every_bound():
    values = race(RACE, steps=6)
    values[3, 0, 2, 0, 1] = 0.5  # class 0 wins view 0
    values[2, 1, 3, 2, 0] = 0.25
    values[4, 2, 1, 0, 0] = -0.75

    assert largest(values, "losing_view")[0] == pytest.approx(0.5)
    assert largest(values, "off_class")[1] == pytest.approx(0.25)
    assert largest(values, "negative") == pytest.approx({0: 0, 1: 0, 2: 0.75})


def test_only_classes_of_m_have_a_losing_view():
    values = race(RACE)
    values[0, 1, 0, 1] = [1.0, 1.1]  # a lead below the gap factor of five neurons, 1.39

    assert list(largest(values, "losing_view")) == [0, 2]


def test_neurons_that_start_well_below_the_peak_are_not_kept_alive():
    values = race(RACE)
    share = 1 - 1 / math.log(3)
    values[0, 0, 1:3, 0, 0] = 0.02 * share * np.array([1.1, 0.9])
    values[2, 0, 1:3, 0, 0] = [3.0, 2.0]

    assert largest(values, "not_kept_alive")[0] == pytest.approx(2.0)


def test_the_balance_is_the_heaviest_class_over_the_lightest_other():
    values = race(RACE)
    values[-1, 1, 0, 1] = [0.0, 2 * GROWN]
    table = bounds(raced(values)).query("bound == 'balance'")
    strength = [GROWN + 0.01, 2 * GROWN, GROWN + 0.01]
    expected = [0.4 * strength[0] / strength[2], 0.4 * strength[1] / strength[0], 0.4 * strength[2] / strength[0]]

    assert table["largest"].tolist() == pytest.approx(expected)
    assert table["inside"].tolist() == [True, True, True]


@pytest.mark.parametrize("q", [3, 4, 5])
def test_the_bound_is_the_largest_draw_times_what_the_gap_factor_leaves_a_loser(q):
    growth = allowed(7, 3, q) / math.sqrt(2 * math.log(2 * 7 * 7 * 3))
    ratio = 1 / (1 + 1 / math.log(3) ** 2)

    # The race keeps y^-(q-2) of both views apart by the same amount until the winner's is 0.
    assert growth ** -(q - 2) == pytest.approx(1 - ratio ** (q - 2))


def test_each_row_says_whether_it_is_inside_and_where_it_started():
    values = race(RACE)
    values[3, 0, 2, 0, 1] = 100
    table = bounds(raced(values)).query("bound == 'losing_view'")

    assert table["inside"].tolist() == [False, True, True]
    assert table["null"].tolist() == pytest.approx([0.01 / values[0].std()] * 3)


def test_runs_that_continue_another_one_are_left_out():
    assert bounds([raced(race(RACE)), raced(race(RACE), "b", continues="a")])["run"].unique().tolist() == ["a"]


def test_the_rule_is_stated():
    assert "in units of sigma_0" in bounds(raced(race(RACE))).attrs["rule"]
