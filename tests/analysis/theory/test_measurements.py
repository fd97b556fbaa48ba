import math

import numpy as np
import pytest

from probes.analysis.intervals import bootstrapped, difference, mean_of, rate
from probes.analysis.theory.draws import DRAWS
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.induction import CAUSES
from probes.analysis.theory.inputs.claims import INPUTS
from probes.analysis.theory.measurements import MEASURES
from tests.analysis.hand import GROWN, SMALL, evaluation_of, log_of, race

RACE = [[0], [1], [0]]


def run(name, role, mistakes=(), *, views=RACE, variant="", **facts):
    evaluation = evaluation_of(
        single=mistakes, samples=30, **{key: facts.pop(key) for key in ("training",) if key in facts}
    )
    return log_of(race(views), name, role=role, variant=variant, evaluation=evaluation, **facts)


def measured(claim, logs):
    return list(MEASURES[claim](Evidence(logs)))


def in_mu(mistakes):
    """The estimate of one run with `mistakes` of 30 single-view samples and none of 30 multi-view ones, mu = 0.1."""
    single, multi = rate(mistakes, 30), rate(0, 30)
    return single._replace(high=single.value + np.hypot(single.high - single.value, 9 * multi.high))


SINGLES = [run("a", "single", range(13)), run("b", "single", range(16)), run("c", "single", range(15))]


def test_the_training_error_is_that_of_all_runs_together():
    logs = [run("a", "single", training=[0, 1]), run("b", "single", training=[2])]

    assert measured("single.train_error", logs)[0].estimate == rate(3, 60)


def test_the_test_error_is_the_mean_over_runs():
    expected = mean_of([in_mu(mistakes) for mistakes in (13, 16, 15)])

    assert measured("single.test_error_mu", SINGLES)[0].estimate == pytest.approx(expected)


def test_an_error_is_never_below_zero():
    assert measured("single.test_error_mu", [run("a", "single"), run("b", "single", [0])])[0].estimate.low == 0


def test_the_ensemble_is_that_of_all_singles():
    logs = [run("a", "single", [0, 1]), run("b", "single", [0, 2]), run("c", "single", [3])]

    assert measured("ensemble.test_error_mu", logs)[0].estimate == pytest.approx(in_mu(1))


def test_each_variant_is_measured_apart_and_in_order():
    students = [run("x", "distilled", [0], variant="literal"), run("y", "distilled", variant="stopped")]
    found = measured("distilled.test_error_mu", students)

    assert [(one.variant, one.estimate.value) for one in found] == [("stopped", 0), ("literal", pytest.approx(1 / 30))]


def test_features_learned_are_counted_over_runs():
    logs = [run("x", "distilled", views=[[0, 1]] * 3), run("y", "distilled", views=[[0, 1], [0], [0, 1]])]
    found = measured("distilled.features_learned", logs)[0]

    assert found.estimate == rate(11, 12)
    assert "largest off-class correlation 0.004, largest strength 5" in found.note


def test_the_excess_is_the_mean_over_pairs():
    teacher = run("t", "single", views=[[1], [0], [0]])  # leaves view 1 of class 2 uncovered by the union
    facts = {"variant": "fresh", "parents": ("t",)}
    logs = [teacher, run("x", "self_distilled", range(5), **facts), run("y", "self_distilled", range(8), **facts)]
    found = measured("self_distilled.excess_over_union_mu", logs)[0]
    below = math.hypot(*(mistakes / 30 - in_mu(mistakes).low for mistakes in (5, 8))) / 2

    assert found.estimate.low == pytest.approx(found.estimate.value - below)
    assert found.estimate.value == pytest.approx((5 / 30 + 8 / 30) / 2 - 1 / 6)
    assert "0.167 less 0.167, 0.267 less 0.167" in found.note


def test_the_gain_of_an_ensemble_of_students_is_their_mean_error_less_its_own():
    logs = [run("x", "distilled", [0, 1]), run("y", "distilled", [2]), run("z", "distilled", [3])]

    reach = math.hypot(*((in_mu(mistakes).value - in_mu(mistakes).low) / 3 for mistakes in (2, 1, 1)), in_mu(0).high)
    found = measured("ensemble_of_distilled.gain_mu", logs)[0].estimate

    assert (found.value, found.low, found.n) == (pytest.approx(4 / 90), pytest.approx(4 / 90 - reach), 3)


def test_predictions_are_counted_over_classes_that_learned_one_view():
    values = race([[0], [1], [0, 1], []], ahead=[0, 0, 0, 0])
    found = measured("winners.predicted", [log_of(values, role="single")])[0]

    assert found.estimate == rate(1, 2)
    assert "(1 more learned both, 1 none)" in found.note


def test_the_size_of_m_is_its_share_of_the_classes():
    values = race([[0], [1], [0]])
    values[0, 1, 0, 1] = [1.0, 1.1]  # a lead below the gap factor of five neurons, 1.39

    assert measured("winners.size", [log_of(values, role="single")])[0].estimate == rate(2, 3)


def test_the_losing_view_is_the_largest_of_all_winner_classes():
    logs = [log_of(race(RACE), name, role="single") for name in "ab"]
    grown = race(RACE)
    grown[-1, 0, 0, 0, 1] = 0.2
    found = measured("losing_view.stays_small", [*logs, log_of(grown, "c", role="single")])[0]

    assert found.estimate == pytest.approx(bootstrapped([SMALL / GROWN, SMALL / GROWN, 0.2 / GROWN], np.max))


def test_a_class_that_learned_the_other_view_counts_as_a_losing_view_that_grew():
    log = log_of(race([[1], [0]], ahead=[0, 0]), role="single")

    assert measured("losing_view.stays_small", [log])[0].estimate.value == pytest.approx(GROWN / 0.02)


def test_the_gain_of_the_average_is_measured_against_the_singles():
    found = measured("average.gain_mu", [*SINGLES, run("m", "average", range(12))])[0]

    assert found.estimate == pytest.approx(difference([13 / 30, 16 / 30, 15 / 30], [12 / 30]))


@pytest.mark.parametrize("claim", MEASURES)
def test_a_study_without_the_runs_yields_nothing(claim):
    assert measured(claim, []) == []
    assert measured(claim, [log_of(race(RACE), role="other")]) == []


@pytest.mark.parametrize("claim", [claim for claim in MEASURES if claim not in {**CAUSES, **DRAWS, **INPUTS}])
def test_every_note_says_what_n_counts_and_whence_the_interval(claim):
    students = [
        run(f"{role}-{index}", role, [index], variant="v", parents=("a",))
        for role in ("distilled", "self_distilled")
        for index in range(2)
    ]
    (found,) = measured(claim, [*SINGLES, *students, run("m", "average")])

    assert "n: " in found.note
    assert "interval: " in found.note
