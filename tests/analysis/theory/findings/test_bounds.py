import math

import numpy as np
import pytest

from probes.analysis.intervals import largest as largest_of
from probes.analysis.intervals import rate
from probes.analysis.plots.canvas import BAD, canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.bounds import CLAIMS, allowed, bounds, draw
from tests.analysis.hand import GROWN, evaluation_of, log_of, race

SINGLES = [log for log in example_study() if log.manifest.role == "single"]

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


def test_neurons_that_start_well_below_the_peak_do_not_survive():
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


@pytest.mark.parametrize("facts", [{"continues": "a"}, {"parents": ("a",)}])
def test_runs_with_a_teacher_or_another_runs_weights_are_left_out(facts):
    assert bounds([raced(race(RACE)), raced(race(RACE), "b", **facts)])["run"].unique().tolist() == ["a"]


def test_the_rule_is_stated():
    assert "in units of sigma_0" in bounds(raced(race(RACE))).attrs["rule"]


def test_what_is_beyond_its_bound_is_a_red_cross():
    table = bounds(SINGLES)
    crosses = [line for line in draw(table, canvas(5, 4)[1][0]).get_lines() if line.get_color() == BAD]

    beyond = table[~table["inside"] & (table["bound"] != "balance")]
    assert sorted(x for line in crosses for x in line.get_xdata()) == pytest.approx(sorted(beyond["largest"]))


def measured(claim, logs=SINGLES):
    (found,) = CLAIMS[claim](Study(logs))
    return found


@pytest.mark.parametrize(
    ("claim", "change", "value"),
    [
        ("induction.losing_view", (2, 0, 3, 0, 1), 3),
        ("induction.off_class", (2, 0, 3, 1, 0), 3),
        ("induction.negative", (2, 0, 3, 2, 1), -3),
        ("induction.not_kept_alive", (2, 0, 3, 0, 0), 3),
    ],
)
def test_one_correlation_at_one_step_puts_its_class_beyond_the_bound(claim, change, value):
    values = race(RACE)
    values[change] = value
    found = measured(claim, [raced(values), raced(race(RACE), "b")])

    assert found.estimate == rate(5, 6)
    assert "(run a, class 0)" in found.note


def test_claims_are_about_the_singles_alone():
    table = bounds(SINGLES).query("bound == 'off_class'")

    expected = rate(int(table["inside"].sum()), len(table))
    assert measured("induction.off_class", example_study()).estimate == expected


def test_the_balance_that_is_claimed_is_the_largest_over_runs():
    values = bounds(SINGLES).query("bound == 'balance'").groupby("run")["largest"].max()

    assert measured("induction.balance").estimate == largest_of(values)
