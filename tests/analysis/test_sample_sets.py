"""Evaluation sets of a study: the same samples in all runs, or none."""

import re

import numpy as np
import pytest

from probes.analysis import Study, outputs
from probes.analysis.log_probabilities import are_probabilities, as_logits
from probes.analysis.sample_sets import plain_sets, sample_sets
from probes.errors import LogError
from probes.log.outputs import Outputs
from tests.analysis.findings.test_outputs import CLASSES, GROUPS, LABELS, SAMPLES, logits_of, run_of

IDS = np.arange(SAMPLES)


@pytest.mark.parametrize(
    ("first", "other", "got"),
    [
        ({}, {"labels": LABELS[::-1].copy()}, "other labels"),
        ({"ids": IDS}, {"ids": IDS + 1}, "other ids"),
        ({"ids": IDS}, {"ids": IDS[::-1].copy()}, "other labels"),
        ({"groups": GROUPS}, {"groups": GROUPS[::-1].copy()}, "other groups"),
        ({}, {"logits": np.zeros((SAMPLES, 5))}, "another shape, (12, 5) and not (12, 3),"),
        ({"labels": None}, {"logits": np.zeros((4, 3)), "labels": None}, "another shape, (4, 3) and not (12, 3),"),
    ],
)
def test_outputs_of_other_samples_are_refused(first, other, got):
    message = (
        f"expected outputs `test` of the same samples in all runs, matched by their ids or else in one order, got "
        f"{got} in run `b` than in run `a`; evaluate all runs on one set, or store them under different names"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        sample_sets(Study([run_of(0, "a", **first), run_of(1, "b", **other)]))


def test_ids_that_the_first_run_lacks_are_compared_too():
    logs = [run_of(0, "a"), run_of(1, "b", ids=IDS), run_of(2, "c", ids=IDS + 1)]
    with pytest.raises(LogError, match=r"got other ids in run `c` than in run `b`; "):
        outputs(logs)


def test_samples_in_another_order_are_matched_by_their_ids():
    order = np.random.default_rng(0).permutation(SAMPLES)
    shuffled = run_of(0, "b", logits=logits_of(0)[order], labels=LABELS[order], groups=GROUPS[order], ids=IDS[order])
    one = sample_sets(Study([run_of(0, "a", groups=GROUPS, ids=IDS), shuffled]))["test"]

    assert one.logits["b"].tolist() == one.logits["a"].tolist() == one.at(shuffled, 1).tolist()
    assert outputs(shuffled)["error"].tolist() == outputs(run_of(0, "a", groups=GROUPS))["error"].tolist()


def test_probabilities_are_taken_as_logits_and_stated():
    logits = logits_of(0)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    logs = [run_of(0, "a", logits=probabilities), run_of(0, "b")]
    one = sample_sets(Study(logs))["test"]

    apart = one.logits["a"] - one.logits["b"]
    assert apart - apart[:, :1] == pytest.approx(0, abs=1e-5)
    first, second = outputs(logs)["cross_entropy"]
    assert first == pytest.approx(second, rel=1e-5)
    assert one.stated == (" Outputs `test` of 1 of 2 runs are probabilities; their logarithms were taken for logits.")
    assert sample_sets(Study(logs[1]))["test"].stated == ""


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_probabilities_of_any_precision_are_recognised_and_a_zero_stays_finite(dtype):
    draw = np.random.default_rng(1).dirichlet(np.full(CLASSES, 0.05), 200).astype(dtype)
    draw[0] = [1, 0, 0]

    assert are_probabilities(draw)
    assert np.isfinite(as_logits(draw)).all()


@pytest.mark.parametrize(
    "outputs", [np.eye(CLASSES), np.zeros((2, 3)), np.array([[0.5, 0.5], [0.5, 0.6]]), np.array([[1.5, -0.5]])]
)
def test_what_only_resembles_probabilities_stays_as_it_is(outputs):
    assert as_logits(outputs).tolist() == outputs.tolist()


def test_sets_of_changed_samples_or_networks_are_not_among_the_plain_ones():
    more = [Outputs(name, 1, logits_of(0), LABELS) for name in ("occluded", "lead", "lead-one-step", "deleted-0.5")]

    assert list(plain_sets(Study(run_of(0, "a", more=more)))) == ["test"]
