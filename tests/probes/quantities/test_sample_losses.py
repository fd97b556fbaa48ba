import math

import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import sample_losses, sample_margins
from tests.probes.quantities.small import BATCH, INPUTS, LABELS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def test_losses_and_margins_are_those_of_loops_in_evaluation_mode():
    model = classifier()
    rows = [evaluated(model)(one[None])[0].tolist() for one in INPUTS]
    losses = [math.log(math.fsum(map(math.exp, row))) - row[y] for row, y in zip(rows, LABELS.tolist(), strict=True)]
    margins = [row[y] - max(row[:y] + row[y + 1 :]) for row, y in zip(rows, LABELS.tolist(), strict=True)]

    close(sample_losses(BATCH)(state(model)), losses)
    close(sample_margins(BATCH)(state(model)), margins)


def test_logits_that_are_all_the_same_cost_log_k_and_have_no_margin():
    batch = ProbeBatch(torch.zeros(4, 8), torch.arange(4))

    close(sample_losses(batch)(state(nn.Identity())), [math.log(8)] * 4)
    close(sample_margins(batch)(state(nn.Identity())), [0] * 4)


def test_another_loss_takes_real_targets():
    targets = torch.randn(12, 5)
    found = sample_losses(ProbeBatch(INPUTS, targets), loss=nn.functional.mse_loss)(state(nn.Identity()))

    close(found, [(one - two).square().mean() for one, two in zip(INPUTS.float(), targets, strict=True)])


def test_samples_are_called_by_their_ids():
    batch = ProbeBatch(INPUTS[:2], LABELS[:2], ids=["cat", 7], name="held_out")

    assert [dict(make(batch).labels) for make in (sample_losses, sample_margins)] == [{"sample": ("cat", "7")}] * 2
    assert sample_losses(batch).name == "sample_losses.held_out"


def test_a_label_out_of_range_is_refused():
    with pytest.raises(UsageError) as refused:
        sample_losses(ProbeBatch(INPUTS, LABELS + 1))(state(classifier()))

    assert str(refused.value) == (
        "expected `labels` of batch `probe` below the 3 classes of the model's output, got 3; give the labels that the "
        "model is trained with"
    )


@pytest.mark.parametrize("make", [sample_losses, sample_margins])
def test_labels_are_needed(make):
    with pytest.raises(ValueError, match=r"`labels` of batch `probe`, got none; give `ProbeBatch` "):
        make(ProbeBatch(INPUTS))
