import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from probes.quantities.parametrised import made, made_weights

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def names(model):
    return {name: name for name, _ in model.named_parameters()}


class Scaled(nn.Module):
    """A parametrisation with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, weight):
        return self.scale * weight


def test_every_weight_that_is_made_is_found_once():
    model = nn.ModuleDict({"a": parametrizations.weight_norm(nn.Linear(2, 2)), "b": nn.Linear(2, 2)})
    for name in ("weight", "bias"):
        parametrize.register_parametrization(model["b"], name, Scaled())

    assert made_weights(names(model), model) == {
        "a.weight": "a.parametrizations.weight",
        "b.bias": "b.parametrizations.bias",
        "b.weight": "b.parametrizations.weight",
    }


def test_a_module_that_is_only_called_so_is_none():
    model = nn.ModuleDict({"parametrizations": nn.ModuleDict({"weight": nn.Linear(2, 2)})})

    assert made_weights(names(model), model) == {}


def test_a_chain_of_parametrisations_is_followed():
    layer = nn.Linear(2, 2)
    start = layer.weight.detach().clone()
    for _ in range(2):
        parametrize.register_parametrization(layer, "weight", Scaled())

    torch.testing.assert_close(made(layer, "parametrizations.weight"), 4 * start)


def test_a_parametrisation_with_chance_is_evaluated_without():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", nn.Dropout())
    before = torch.get_rng_state()

    assert torch.equal(made(layer, "parametrizations.weight"), layer.parametrizations.weight.original)
    assert torch.equal(torch.get_rng_state(), before)
