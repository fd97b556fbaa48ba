import numpy as np
import pytest

from probes.analysis.findings.outputs import wrong
from probes.analysis.intervals import rate
from probes.analysis.theory.logits import in_mu, margins


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


def test_a_margin_is_the_own_logit_less_each_other_one():
    logits, labels = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 3
    expected = [
        [1 if c == label else row[label] - row[c] for c in range(3)] for row, label in zip(logits, labels, strict=True)
    ]

    assert margins(logits, labels) == pytest.approx(np.array(expected))


def test_in_mu_a_multi_view_mistake_counts_as_often_as_there_are_more_such_samples():
    found = in_mu(rate(3, 10), rate(1, 10), 0.1)

    assert found.value == pytest.approx(0.3 + 9 * 0.1)
