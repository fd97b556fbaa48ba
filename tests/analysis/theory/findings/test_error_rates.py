import numpy as np
import pytest

from probes.analysis import error_rates
from probes.analysis.intervals import rate
from probes.analysis.theory.findings.error_rates import wrong
from probes.logs.evaluation import Evaluation
from tests.analysis.hand import evaluation_of, log_of, race

RACE = race([[0], [1], [0]])


def slowly_wrong(logits, label):
    return any(not (logits[label] > value) for other, value in enumerate(logits) if other != label)


def test_wrong_is_another_logit_that_is_not_below():
    draw = np.random.default_rng(0)
    logits, labels = draw.integers(0, 3, (200, 4)).astype(np.float32), draw.integers(0, 4, 200)

    assert wrong(logits, labels).tolist() == [
        slowly_wrong(row, label) for row, label in zip(logits, labels, strict=True)
    ]


@pytest.mark.parametrize("broken", [[np.nan, 0, 0], [1, np.nan, 0]])
def test_a_sample_with_a_logit_that_is_no_number_is_wrong(broken):
    assert wrong(np.array([broken]), np.array([0])).all()


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
