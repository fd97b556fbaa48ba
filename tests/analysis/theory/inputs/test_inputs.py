import re

import numpy as np
import pytest
from tests.probes.studies.gaussians import SMALL

from probes.analysis.study import Study
from probes.analysis.theory.findings.claims import claims, measures
from probes.analysis.theory.inputs.first_layer import first_layer
from probes.analysis.theory.inputs.inputs import inputs, is_inputs
from probes.analysis.theory.report import panels
from probes.errors import LogError
from probes.log import open_logs
from probes.log.evaluation import Evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.studies import record_study

RECIPE = {"data": {"kind": "teacher_labels"}, "runs": {"members": 2}}
LABELS = np.arange(40) % 3


def network(run, role="single", *, seed, labels=LABELS, status="finished", spread=1.0):
    """A run of which nothing but outputs on the test set is known."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), 3)) * spread
    arrays = {"test/logits": (np.eye(3)[labels] + noise).astype(np.float32), "test/labels": labels}
    manifest = Manifest(run, (Series("w", ("neuron",), (1,)),), role=role, recipe=RECIPE, status=status)
    return memory_log(manifest, np.arange(2), {"w": np.zeros((2, 1), np.float32)}, evaluation=Evaluation(arrays, {}))


@pytest.fixture
def logs():
    singles = [network(f"single-{index}", seed=index) for index in range(4)]
    return [*singles, *(network(f"average-{index}", "average", seed=9 + index, spread=0.6) for index in range(2))]


def softmax(logits):
    powers = np.exp(np.asarray(logits, dtype=float))
    return powers / powers.sum(-1, keepdims=True)


def slow_error(logits):
    return np.mean([max(range(3), key=lambda c: row[c]) != label for row, label in zip(logits, LABELS, strict=True)])


def slow_variance(outputs):
    found = 0.0
    for sample, class_ in np.ndindex(*outputs[0].shape):
        values = [softmax(one)[sample, class_] for one in outputs]
        mean = sum(values) / len(values)
        found += sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return found / len(LABELS)


def test_learners_are_single_networks_ensembles_and_averages(logs):
    table = inputs(logs)
    learners = table[["learner", "networks", "count"]].values.tolist()
    assert learners == [["single", 1, 4], ["ensemble", 2, 2], ["ensemble", 4, 1], ["average", 2, 2]]


def test_errors_and_gains_are_counted_sample_by_sample(logs):
    logits = [np.asarray(log.evaluation.arrays["test/logits"], float) for log in logs]
    single, ensemble = np.mean([slow_error(one) for one in logits[:4]]), slow_error(sum(logits[:4]))
    table = inputs(logs).set_index(["learner", "networks"])
    assert table.loc[("single", 1), "error"] == pytest.approx(single)
    assert table.loc[("ensemble", 4), "error"] == pytest.approx(ensemble)
    assert table.loc[("ensemble", 4), "gain"] == pytest.approx(single - ensemble)
    assert table.loc[("single", 1), "gain"] == 0


def test_variances_are_those_of_softmax_outputs_over_networks(logs):
    logits = [np.asarray(log.evaluation.arrays["test/logits"], float) for log in logs]
    pairs = [(logits[0] + logits[1]) / 2, (logits[2] + logits[3]) / 2]
    ratios = inputs(logs).set_index(["learner", "networks"])["variance_ratio"]
    assert ratios["ensemble", 2] == pytest.approx(slow_variance(pairs) / slow_variance(logits[:4]))
    assert ratios["average", 2] == pytest.approx(slow_variance(logits[4:]) / slow_variance(logits[:4]))
    assert ratios["single", 1] == 1
    assert np.isnan(ratios["ensemble", 4])


def test_intervals_shrink_with_samples_and_hold_what_is_measured():
    def table(samples):
        labels = np.arange(samples) % 3
        return inputs([network(f"single-{index}", seed=index, labels=labels) for index in range(4)]).iloc[1]

    few, many = table(90), table(9000)
    for found in (few, many):
        assert found["gain_low"] < found["gain"] < found["gain_high"]
        assert found["ratio_low"] < found["variance_ratio"] < found["ratio_high"]
    assert (many["gain_high"] - many["gain_low"]) == pytest.approx((few["gain_high"] - few["gain_low"]) / 10, rel=0.3)


def test_the_interval_of_a_ratio_is_that_of_the_bootstrap(logs):
    generator, found = np.random.default_rng(0), inputs(logs).iloc[1]
    singles = softmax([log.evaluation.arrays["test/logits"] for log in logs[:4]])
    pairs = softmax([(logs[i].evaluation.arrays["test/logits"] + logs[i + 1].evaluation.arrays["test/logits"]) / 2
                     for i in (0, 2)])  # fmt: skip
    above, below = (each.var(0, ddof=1).sum(-1) for each in (pairs, singles))
    chosen = generator.integers(40, size=(4000, 40))
    spread = (above[chosen].mean(1) / below[chosen].mean(1)).std()
    assert (found["ratio_high"] - found["ratio_low"]) / 3.92 == pytest.approx(spread, rel=0.15)


def test_runs_that_diverged_are_left_out(logs):
    assert inputs([*logs, network("single-9", seed=7, status="diverged")]).equals(inputs(logs))


def test_one_network_is_no_ensemble(logs):
    message = "expected two single runs or more for an ensemble, got 1: record more of them"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        inputs(logs[3:])


def test_networks_of_other_test_samples_are_refused(logs):
    message = (
        "run `other`: expected the same `test/labels` as run `single-0`, got others; evaluate all runs of the study on "
        "one test set"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        inputs([*logs[:4], network("other", seed=0, labels=(LABELS + 1) % 3)])


def test_a_run_that_was_not_evaluated_is_named(logs):
    manifest = Manifest("bare", (Series("w", ("neuron",), (1,)),), role="single", recipe=RECIPE, status="finished")
    bare = memory_log(manifest, np.arange(2), {"w": np.zeros((2, 1), np.float32)})
    message = "run `bare`: expected `test/logits` in its evaluation, got none; `probes evaluate` it"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        inputs([*logs, bare])


def test_a_study_on_gaussian_inputs_is_asked_for_its_own_claims_alone(logs):
    table = claims(logs)
    assert is_inputs(Study(logs))
    assert list(measures(Study(logs))) == ["gaussian_inputs.error_gain", "gaussian_inputs.variance_ratio"]
    assert list(zip(table["claim"], table["variant"], strict=True)) == [
        ("gaussian_inputs.error_gain", "ensemble"),
        ("gaussian_inputs.error_gain", "average"),
        ("gaussian_inputs.variance_ratio", "ensemble"),
        ("gaussian_inputs.variance_ratio", "average"),
    ]
    assert table.attrs["left_out"] == {}


def test_a_claims_value_is_the_tables(logs):
    table, found = inputs(logs), claims(logs)
    assert found["measured"].tolist() == pytest.approx([
        *table["gain"].iloc[[2, 3]],
        *table["variance_ratio"].iloc[[1, 3]],
    ])
    assert "the ensemble of 4;" in found["note"][0]
    assert "2 trained averages of 2" in found["note"][1]
    assert "independent networks would give 0.5;" in found["note"][2]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return open_logs(record_study(SMALL, tmp_path_factory.mktemp("gaussian") / "runs"))


def test_cosines_are_the_largest_of_a_neuron_mean_over_directions(recorded):
    table, log = first_layer(recorded), recorded.by_role("single")[0]
    rows = table[table["run"] == log.manifest.run_id]
    products, norms = np.asarray(log["first.weight"])[6], np.asarray(log["first.weight.norm"])[6]
    best = [max(products[r, f] / norms[r] for r in range(4)) for f in range(products.shape[1])]
    assert rows["step"].tolist() == list(range(7))
    assert rows["cosine"].iloc[-1] == pytest.approx(np.mean(best), rel=1e-5)
    assert rows["null"].iloc[0] == pytest.approx(np.asarray(log["first.weight.null.cosine"])[0].mean(), rel=1e-5)


def test_a_report_has_the_figures_of_gaussian_inputs_and_names_nothing_as_absent(recorded):
    found, absent = panels(Study(recorded))
    assert [panel.name for panel in found] == ["claims", "inputs", "first_layer"]
    assert absent == {}
    assert all(panel.svg.startswith("<?xml") for panel in found)
