import re

import numpy as np
import pytest
from scipy import stats

from probes.analysis import Study, outputs
from probes.analysis.findings.outputs import cross_entropies, wrong
from probes.analysis.sample_sets import sample_sets
from probes.errors import LogError
from probes.log.outputs import Outputs
from tests.analysis.general import tap_log

SAMPLES, CLASSES = 12, 3
LABELS = np.arange(SAMPLES) % CLASSES
GROUPS = np.array(["odd", "even"])[np.arange(SAMPLES) % 4 // 2]


def logits_of(seed):
    return np.random.default_rng(seed).normal(size=(SAMPLES, CLASSES)) + 0.7 * np.eye(CLASSES)[LABELS]


def run_of(
    seed=0, run="a", *, step=1, name="test", logits=None, labels=LABELS, groups=None, ids=None, more=(), **facts
):
    logits = logits_of(seed) if logits is None else logits
    found = Outputs(name, step, logits, labels, groups, ids)
    return tap_log(np.ones((2, 2, 3)), run, outputs=[found, *more], **facts)


def slow_errors(logits, chosen=slice(None)):
    return [max(row[k] for k in range(CLASSES) if k != label) >= row[label]
            for row, label in zip(logits[chosen], LABELS[chosen], strict=True)]  # fmt: skip


def test_errors_and_losses_are_those_of_the_definitions():
    logits = logits_of(0).astype(np.float32).astype(float)
    row = outputs(run_of(0, logits=logits)).iloc[0]
    errors = slow_errors(logits)
    losses = [-np.log(np.exp(line[label]) / np.exp(line).sum()) for line, label in zip(logits, LABELS, strict=True)]

    assert (row["error"], row["n"]) == (np.mean(errors), SAMPLES)
    assert row["cross_entropy"] == pytest.approx(np.mean(losses))
    wilson = stats.binomtest(int(sum(errors)), SAMPLES).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == (wilson.low, wilson.high)


def test_groups_are_rows_beside_the_whole():
    table = outputs(run_of(0, groups=GROUPS))

    assert table["group"].tolist() == ["all", "even", "odd"]
    assert table["n"].tolist() == [12, 6, 6]
    expected = [np.mean(slow_errors(logits_of(0), group == GROUPS)) for group in ("even", "odd")]
    assert table["error"].tolist()[1:] == expected


def test_every_step_is_a_row_and_the_last_is_what_sets_hold():
    log = run_of(0, step=0, more=[Outputs("test", 1, logits_of(1), LABELS)])

    assert outputs(log)["step"].tolist() == [0, 1]
    assert sample_sets(Study(log))["test"].logits["a"] == pytest.approx(logits_of(1))


@pytest.mark.parametrize(
    ("row", "expected"), [([1, 1, 0], True), ([np.nan, 0, 0], True), ([2, np.nan, 0], True), ([2, 1, 0], False)]
)
def test_a_tie_or_what_is_no_number_is_wrong(row, expected):
    assert wrong(np.array([row]), np.array([0])).tolist() == [expected]


def test_infinite_logits_have_no_loss():
    assert np.isnan(cross_entropies(np.array([[np.inf, 0.0]]), np.array([0]))).all()


def test_a_run_without_labels_takes_those_of_the_set():
    table = outputs([run_of(0, "a"), run_of(1, "b", labels=None)])

    assert table["error"].tolist() == [np.mean(slow_errors(logits_of(seed))) for seed in (0, 1)]


def test_without_labels_or_outputs_it_is_said_what_to_record():
    message = (
        "expected outputs with labels stored with the runs, got none; record them by `recorder.outputs(name, logits, "
        "labels=...)`, or afterwards by `probes outputs RUN --from FILE.npz`"
    )
    for log in (tap_log(np.ones((2, 2, 3))), run_of(labels=None)):
        with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
            outputs(log)


def test_sets_of_different_names_may_differ():
    table = outputs([run_of(0, "a"), run_of(1, "b", name="other", labels=LABELS[::-1].copy())])

    assert table[["run", "set"]].values.tolist() == [["a", "test"], ["b", "other"]]


def test_failed_runs_are_not_compared():
    logs = [run_of(0, "a"), run_of(1, "b", labels=LABELS[::-1].copy(), status="failed")]

    assert outputs(logs)["run"].tolist() == ["a"]
