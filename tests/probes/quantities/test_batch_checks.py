import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import State

INPUTS = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 1, 0, 1])


class Aside(nn.Module):
    """A model that does not run all of its modules."""

    def __init__(self):
        super().__init__()
        self.unused = nn.ReLU()

    def forward(self, inputs):
        return inputs


def broken(sample):
    inputs = INPUTS.clone()
    inputs[sample, 2] = torch.nan
    return inputs


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"labels": LABELS[:4]},
            ValueError,
            "expected as many samples, at least one, in all of batch `probe`, got 5 inputs, 4 labels",
        ),
        (
            {"ids": range(6)},
            ValueError,
            "expected as many samples, at least one, in all of batch `probe`, got 5 inputs, 6 ids",
        ),
        (
            {"inputs": INPUTS[:0]},
            ValueError,
            "expected as many samples, at least one, in all of batch `probe`, got 0 inputs",
        ),
        ({"ids": [1, 2, 3, 2, 4]}, ValueError, "expected ids of batch `probe` that differ, got 2 twice"),
        (
            {"inputs": torch.zeros(100_001, 1), "ids": range(100_001)},
            ValueError,
            "expected at most 100000 ids of batch `probe`, got 100001; leave them out",
        ),
        (
            {"inputs": broken(3)},
            ValueError,
            "expected finite `inputs` of batch `probe`, got NaN or infinity in sample 3",
        ),
        ({"labels": LABELS - 1}, ValueError, "expected classes from 0 as `labels` of batch `probe`, got -1"),
        (
            {"inputs": INPUTS.to("meta")},
            TypeError,
            "expected `inputs` of batch `probe` dense and with values, got a tensor of the device `meta`",
        ),
        (
            {"inputs": {"image": INPUTS.to_sparse()}},
            TypeError,
            "expected input `image` of batch `probe` dense and with values, got a tensor of torch.sparse_coo",
        ),
        (
            {"labels": LABELS.to("meta")},
            TypeError,
            "expected `labels` of batch `probe` dense and with values, got a tensor of the device `meta`",
        ),
        ({"inputs": [INPUTS, 3]}, TypeError, "expected tensors as `inputs` of batch `probe`, got int"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error) as refused:
        ProbeBatch(**{"inputs": INPUTS} | arguments)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (
            lambda: ProbeBatch(INPUTS, LABELS + 1, name="test").outputs(nn.Linear(6, 2)),
            "expected `labels` of batch `test` below the 2 classes of the model's output, got 2; give the labels that "
            "the model is trained with",
        ),
        (
            lambda: ProbeBatch(INPUTS).activations(nn.Sequential(nn.Linear(6, 6), nn.ReLU()), "encoder"),
            "expected a module of the model, one of 0, 1; got `encoder`",
        ),
        (
            lambda: ProbeBatch(INPUTS).outputs(State(0, {})),
            "expected a model to look at a batch with, got stacked parameters, which have none",
        ),
        (
            lambda: ProbeBatch(INPUTS).activations(Aside(), "unused"),
            "expected a tensor as output of `unused`, got none",
        ),
        (
            lambda: ProbeBatch(INPUTS).outputs(nn.LSTM(6, 2)),
            "expected a tensor, or `logits`, as output of the model for batch `probe`, got tuple",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused(look, message):
    with pytest.raises(UsageError) as error:
        look()

    assert str(error.value) == message
