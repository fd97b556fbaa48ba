import math

import pytest

from probes.analysis.theory.findings.surviving_neurons import surviving_neurons
from tests.analysis.hand import log_of, race


def of_class_zero(first, last, **options):
    """The row of a feature whose neurons have these correlations at the first and at the last step."""
    values = race([[0]] * 8, neurons=len(first))
    values[0, 0, :, 0, 0], values[-1, 0, :, 0, 0] = first, last
    return surviving_neurons(log_of(values), **options).query("`class` == 0 and view == 0").iloc[0]


def test_neurons_near_the_peak_survive():
    least = 1 - 1 / math.log(8)

    assert of_class_zero([1.0, least + 0.01, least - 0.01, 0.1, -2.0], [5.0, 0, 0, 0, 0])["survivors"] == 2


def test_with_more_slack_more_neurons_survive():
    assert of_class_zero([1.0, 0.1, 0.05, -1.0], [5.0, 0, 0, 0], slack=3.0)["survivors"] == 3


def test_what_they_carry_is_their_share_of_the_final_strength():
    row = of_class_zero([1.0, 0.9, 0.1, 0.1], [2.0, 5.0, 1.0, -4.0])

    assert row["carried"] == pytest.approx(7 / 8)
    assert row["carried_by_first"] == pytest.approx(2 / 8)
    assert row["outside"] == pytest.approx(1 / 5)


def test_the_null_is_their_share_of_all_neurons():
    row = of_class_zero([1.0, 0.9, 0.1, 0.1], [2.0, 5.0, 1.0, -4.0])

    assert row["null"] == row["survivors"] / row["neurons"] == 0.5


def test_of_a_feature_without_a_positive_neuron_none_survives():
    row = of_class_zero([-1.0, -0.5], [0.0, 0.0])

    assert row["survivors"] == 0
    assert math.isnan(row["carried"])


def test_runs_that_continue_another_are_left_out():
    assert surviving_neurons(log_of(race([[0]]), continues="b")).empty


def test_the_rule_says_how_near():
    assert "at least 0.519 = 1 - c/log k of the peak" in surviving_neurons(log_of(race([[0]] * 8))).attrs["rule"]
