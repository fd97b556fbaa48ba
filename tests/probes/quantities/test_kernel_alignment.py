import math

import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import kernel_alignment
from probes.quantities.kernel_alignment import alignment
from tests.probes.quantities.small import BATCH, INPUTS, LABELS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def by_hand(one, two):
    """Centred by the matrix H, one entry after the other."""
    n = len(one)
    H = torch.eye(n, dtype=torch.float64) - 1 / n
    one, two = H @ one @ H, H @ two @ H

    def product(a, b):
        return math.fsum(float(a[i, j] * b[i, j]) for i in range(n) for j in range(n))

    return product(one, two) / math.sqrt(product(one, one) * product(two, two))


def of_labels():
    return torch.tensor([[float(one == two) for two in LABELS] for one in LABELS], dtype=torch.float64)


def test_alignments_are_those_of_loops_over_samples_in_evaluation_mode():
    model, quantity = classifier(), kernel_alignment("3", BATCH)
    start = evaluated(model)[:4](INPUTS).detach()
    quantity(state(model))
    nn.init.normal_(model[0].weight)
    now = evaluated(model)[:4](INPUTS).detach()

    expected = [by_hand(now @ now.T, of_labels()), by_hand(now @ now.T, start @ start.T)]
    close(quantity(state(model, 7)), expected)


def test_features_are_aligned_with_themselves_turned_scaled_and_moved():
    features, (turn, _) = torch.randn(9, 4).double(), torch.linalg.qr(torch.randn(4, 4).double())
    moved = 3 * features @ turn + torch.randn(4)

    close(alignment(features @ features.T, moved @ moved.T), 1)


def test_features_of_other_samples_are_not_aligned():
    one, two = torch.eye(8)[:, :1], torch.eye(8)[:, 1:2]

    close(alignment(one @ one.T, two @ two.T), (1 / 7) ** 2)  # centred, their cosine is -1/7


def test_one_hot_features_are_the_labels_own():
    batch = ProbeBatch(nn.functional.one_hot(LABELS).float(), LABELS)

    close(kernel_alignment("0", batch)(state(nn.Sequential(nn.Identity()))), [1, 1])


def test_real_targets_are_compared_by_their_inner_products():
    targets = torch.randn(12, 2).double()
    found = kernel_alignment("0", ProbeBatch(INPUTS, targets))(state(nn.Sequential(nn.Identity())))

    close(found, [by_hand(INPUTS @ INPUTS.T, targets @ targets.T), 1])


def test_features_that_are_all_the_same_have_no_alignment():
    found = kernel_alignment("0", ProbeBatch(torch.ones(12, 5), LABELS))(state(nn.Sequential(nn.Identity())))

    assert found.isnan().all()


def test_a_first_look_after_step_0_is_refused():
    with pytest.raises(UsageError) as refused:
        kernel_alignment("3", BATCH)(state(classifier(), 7))

    assert str(refused.value) == (
        "expected to see the kernel of `3.kernel_alignment` at step 0 first, got step 7; record the run from its "
        "beginning"
    )


def test_labels_that_are_all_the_same_are_refused():
    with pytest.raises(ValueError, match=r"^expected `labels`") as refused:
        kernel_alignment("3", ProbeBatch(INPUTS, 0 * LABELS))

    assert str(refused.value) == "expected `labels` of batch `probe` that differ, got the same of all samples"
