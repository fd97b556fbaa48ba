import pytest
import torch
from torch import nn

from probes.quantities.evaluating import evaluating

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def test_modes_are_as_before():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2).eval(), nn.Dropout()))
    before = [module.training for module in model.modules()]
    with evaluating(model):
        assert not any(module.training for module in model.modules())

    assert [module.training for module in model.modules()] == before == [True, True, True, False, True]


def test_modes_are_as_before_an_error():
    model = nn.Dropout()
    with pytest.raises(LookupError, match="no luck"), evaluating(model):
        raise LookupError("no luck")

    assert model.training


def test_random_numbers_are_as_before():
    before = torch.get_rng_state()
    with evaluating(nn.Dropout()):
        torch.rand(3)

    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_computed_is_in_full_precision_and_without_gradients():
    layer = nn.Linear(2, 2)
    with torch.autocast("cpu", torch.bfloat16), evaluating(layer):
        computed = layer(torch.ones(1, 2))

    assert (computed.dtype, computed.requires_grad) == (torch.float32, False)
