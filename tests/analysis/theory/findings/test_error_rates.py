import numpy as np
import pytest

from probes.analysis.intervals import difference, mean_of, rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.error_rates import CLAIMS, draw, error_rates, errors_of, panel
from probes.log.evaluation import Evaluation
from tests.analysis.hand import evaluation_of, log_of, race
from tests.analysis.theory.tested import in_mu, measured, run

RACE = race([[0], [1], [0]])


def test_the_rates_are_the_shares_of_mistakes():
    log = log_of(RACE, evaluation=evaluation_of(single=[0, 1, 2], multi=[4], training=[]))
    table = error_rates(log).set_index("measure")

    assert table["error"].to_dict() == pytest.approx({
        "train_error": 0,
        "single_view_error": 0.3,
        "multi_view_error": 0.1,
        "test_error_mu": 0.3 + 9 * 0.1,
    })
    assert tuple(table.loc["single_view_error", ["error", "low", "high", "n"]]) == rate(3, 10)


def test_in_mu_the_interval_adds_the_reaches_of_both_parts():
    table = error_rates(log_of(RACE, evaluation=evaluation_of(single=[0], multi=[]))).set_index("measure")
    single, multi = rate(1, 10), rate(0, 10)

    assert table.loc["test_error_mu", "high"] == pytest.approx(0.1 + np.hypot(single.high - 0.1, 9 * multi.high))


def test_a_part_that_was_not_measured_gives_no_row():
    arrays = {"single_view/logits": np.eye(3), "single_view/labels": np.arange(3)}

    assert error_rates(log_of(RACE, evaluation=Evaluation(arrays, {"mu": 0.1})))["measure"].tolist() == [
        "single_view_error"
    ]


def test_without_mu_there_is_no_error_in_mu():
    assert "test_error_mu" not in set(error_rates(log_of(RACE, evaluation=evaluation_of(mu=0.0)))["measure"])


def test_a_run_that_was_not_evaluated_gives_no_row():
    assert error_rates(log_of(RACE)).empty


SINGLES = [run("a", "single", range(13)), run("b", "single", range(16)), run("c", "single", range(15))]


def test_errors_of_runs_are_those_of_the_table_in_its_order():
    study = Study(SINGLES)

    found = errors_of(study, [SINGLES[2], SINGLES[0]])
    assert np.array(found) == pytest.approx(np.array([in_mu(13), in_mu(15)]))
    assert errors_of(study, []) == []


def test_the_training_error_is_that_of_all_runs_together():
    logs = [run("a", "single", training=[0, 1]), run("b", "single", training=[2])]

    assert measured(CLAIMS, "single.train_error", logs)[0].estimate == rate(3, 60)


def test_the_test_error_is_the_mean_over_runs():
    expected = mean_of([in_mu(mistakes) for mistakes in (13, 16, 15)])

    assert measured(CLAIMS, "single.test_error_mu", SINGLES)[0].estimate == pytest.approx(expected)


def test_an_error_is_never_below_zero():
    logs = [run("a", "single"), run("b", "single", [0])]

    assert measured(CLAIMS, "single.test_error_mu", logs)[0].estimate.low == 0


def test_the_ensemble_is_that_of_all_singles():
    logs = [run("a", "single", [0, 1]), run("b", "single", [0, 2]), run("c", "single", [3])]

    assert measured(CLAIMS, "ensemble.test_error_mu", logs)[0].estimate == pytest.approx(in_mu(1))


def test_each_variant_is_measured_apart_and_in_order():
    students = [run("x", "distilled", [0], variant="literal"), run("y", "distilled", variant="stopped")]
    found = measured(CLAIMS, "distilled.test_error_mu", students)

    assert [(one.variant, one.estimate.value) for one in found] == [("stopped", 0), ("literal", pytest.approx(1 / 30))]


def test_the_gain_of_the_average_is_measured_against_the_singles():
    (found,) = measured(CLAIMS, "average.gain_mu", [*SINGLES, run("m", "average", range(12))])

    assert found.estimate == pytest.approx(difference([13 / 30, 16 / 30, 15 / 30], [12 / 30]))


def test_the_panel_adds_the_ensemble_of_all_singles():
    logs = [run("a", "single", [0, 1]), run("b", "single", [0, 2]), run("c", "single", [3])]
    table = panel(Study(logs)).table

    assert table["run"].tolist() == ["a", "b", "c", "ensemble of all singles"]
    assert table["error"].iloc[-1] == pytest.approx(1 / 30)


def test_without_tests_there_is_no_panel():
    assert panel(Study(log_of(RACE))) is None


def test_roles_are_in_the_order_of_the_theory():
    ax = draw(error_rates(example_study()), canvas(5, 4)[1][0])

    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "single",
        "average",
        "distilled (stopped)",
        "self_distilled (continued)",
        "self_distilled (fresh)",
    ]
