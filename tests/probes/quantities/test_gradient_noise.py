import numpy as np
import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import gradient_noise
from tests.probes.quantities.small import BATCH, INPUTS, LABELS, classifier, close, sample_gradients, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def by_hand(gradients):
    """The trace of numpy's covariance."""
    trace, mean = np.trace(np.cov(gradients.numpy(), rowvar=False)), gradients.mean(0)
    return [trace, mean.norm(), trace / mean.norm() ** 2]


def test_the_measures_are_those_of_one_backward_pass_a_sample():
    model = classifier()

    close(gradient_noise(BATCH)(state(model)), by_hand(sample_gradients(model)))


def test_more_samples_than_are_held_at_once_are_added_up():
    model, inputs, labels = classifier(), torch.randn(150, 5).double(), torch.arange(150) % 3

    found = gradient_noise(ProbeBatch(inputs, labels))(state(model))
    close(found, by_hand(sample_gradients(model, inputs=inputs, labels=labels)))


def test_samples_that_are_all_the_same_have_no_noise():
    trace, norm, scale = gradient_noise(ProbeBatch(INPUTS[:1].repeat(9, 1), LABELS[:1].repeat(9)))(state(classifier()))

    assert norm > 0.01
    assert trace < 1e-12
    assert scale < 1e-10


def test_noise_of_a_known_spread_is_found():
    """The gradient of w x is x: of 4,000 normal numbers around 2, the variance is 1 and the scale 1/4."""
    model, x = nn.Linear(1, 1, bias=False), torch.randn(4000, 1, generator=torch.Generator().manual_seed(0)) + 2
    found = gradient_noise(ProbeBatch(x, torch.zeros(4000)), loss=lambda outputs, labels: outputs.sum())(state(model))

    close(found, [x.var(), x.mean(), x.var() / x.mean() ** 2], rtol=1e-5)
    assert found.tolist() == pytest.approx([1, 2, 0.25], rel=0.1)


def test_parameters_that_are_frozen_do_not_count():
    model = classifier()
    model[0].requires_grad_(False)
    last = sample_gradients(classifier())[:, -15:]
    layers = sample_gradients(classifier())[:, 24:-15]  # of the batch norm

    close(gradient_noise(BATCH)(state(model)), by_hand(torch.cat([layers, last], dim=1)))


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3).double()

    def forward(self, inputs):
        return self.layer(inputs).detach()


def test_outputs_without_a_gradient_are_refused():
    with pytest.raises(UsageError) as refused:
        gradient_noise(BATCH)(state(Detached()))

    assert str(refused.value) == (
        "expected outputs with a gradient to the trained parameters, got none: the model detaches, rounds or compares, "
        "or all of its parameters are frozen"
    )


def test_one_sample_has_no_spread():
    with pytest.raises(ValueError, match=r"^expected two") as refused:
        gradient_noise(ProbeBatch(INPUTS[:1], LABELS[:1]))

    assert str(refused.value) == "expected two samples or more in batch `probe` for their spread, got 1"


def test_labels_are_needed():
    with pytest.raises(ValueError, match=r"^expected `labels`") as refused:
        gradient_noise(ProbeBatch(INPUTS))

    assert str(refused.value) == (
        "expected `labels` of batch `probe`, got none; give `ProbeBatch` those of its samples"
    )
