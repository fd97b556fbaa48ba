import pytest
import torch
from torch import nn

from probes.models.evaluating import evaluating

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


class Noting(nn.Module):
    """A model that notes its forward passes in every way there is."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.seen, self.by_name = nn.Linear(2, 2), 0, [torch.ones(2)], {"first": 1}
        self.register_buffer("passes", torch.zeros(2))
        self.register_buffer("latest", torch.zeros(2))
        self.layer.register_forward_hook(lambda *_: self.seen.append("a hook"))

    def forward(self, inputs):
        self.calls += 1
        self.passes += 1
        self.latest = inputs[0]
        self.seen.append(inputs)
        self.by_name["latest"] = inputs
        self.new = inputs
        return self.layer(inputs)


def test_what_a_model_notes_of_its_passes_is_as_before():
    model = Noting()
    buffers, seen = dict(model.named_buffers()), model.seen
    with evaluating(model):
        model(torch.ones(3, 2))

    assert (model.calls, model.passes.tolist(), model.by_name) == (0, [0, 0], {"first": 1})
    assert model.seen is seen
    assert [value.tolist() for value in seen] == [[1, 1]]
    assert all(value is buffers[name] for name, value in model.named_buffers())
    assert not hasattr(model, "new")


def test_a_buffer_that_is_only_read_has_not_changed_for_autograd():
    model = nn.BatchNorm1d(2)
    versions = [buffer._version for buffer in model.buffers()]
    with evaluating(model):
        model(torch.ones(3, 2))

    assert [buffer._version for buffer in model.buffers()] == versions


def test_hooks_that_compute_a_weight_are_called_and_others_not():
    layer, seen = nn.utils.prune.l1_unstructured(nn.Linear(2, 1, bias=False), "weight", 1), []
    layer.register_forward_hook(lambda *_: seen.append(1))
    layer.weight_orig.data.fill_(3.0)
    stale = layer.weight
    with evaluating(layer):
        assert layer(torch.ones(1, 2)).tolist() == [[3.0]]

    assert layer.weight is stale
    layer(torch.ones(1, 2))
    assert seen == [1]
