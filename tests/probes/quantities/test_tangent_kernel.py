import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import tangent_kernel_alignment
from probes.quantities.kernel_alignment import alignment
from probes.quantities.tangent_kernel import tangent_kernel
from tests.probes.quantities.small import BATCH, CLASSES, INPUTS, LABELS, classifier, close, sample_gradients, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def full_kernel(model):
    """One backward pass for every sample and output."""
    kernel = 0
    for output in range(CLASSES):
        rows = sample_gradients(model, loss=lambda logits, _, chosen=output: logits[0, chosen])
        kernel = kernel + rows @ rows.T
    return kernel


def test_the_kernel_is_that_of_one_backward_pass_for_every_sample_and_output():
    model = classifier()
    with BATCH.function(model) as function:
        torch.testing.assert_close(tangent_kernel(function), full_kernel(model))


def test_alignments_are_those_of_the_full_kernels():
    model, quantity = classifier(), tangent_kernel_alignment(BATCH)
    start = full_kernel(model)
    quantity(state(model))
    nn.init.normal_(model[0].weight)
    same = (LABELS[:, None] == LABELS).double()

    now = full_kernel(model)
    close(quantity(state(model, 3)), [alignment(now, same), alignment(now, start)])


def test_a_linear_model_keeps_its_kernel_whatever_it_learns():
    model, quantity = nn.Linear(5, 3).double(), tangent_kernel_alignment(BATCH)
    quantity(state(model))
    nn.init.normal_(model.weight)

    close(quantity(state(model, 5))[1], 1)
    with BATCH.function(model) as function:
        torch.testing.assert_close(tangent_kernel(function), 3 * (INPUTS @ INPUTS.T + 1))


def test_a_model_without_trained_parameters_is_refused():
    with pytest.raises(UsageError, match=r"^expected outputs with a gradient to the trained parameters, got none"):
        tangent_kernel_alignment(BATCH)(state(classifier().requires_grad_(False)))


def test_labels_are_needed():
    with pytest.raises(ValueError, match=r"^expected `labels` of batch `probe`, got none"):
        tangent_kernel_alignment(ProbeBatch(INPUTS))
