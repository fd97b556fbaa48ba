import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from probes.models import Parameters
from probes.models.derived import computed, derived_names

pytestmark = [
    pytest.mark.usefixtures("own_random_numbers"),
    pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated"),
]


class Scaled(nn.Module):
    """A parametrisation with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, weight):
        return self.scale * weight


WAYS = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "old weight_norm": nn.utils.weight_norm,
    "old spectral_norm": nn.utils.spectral_norm,
    "pruned": lambda layer, name: prune.random_unstructured(layer, name, 3),
    "pruned twice": lambda layer, name: prune.l1_unstructured(prune.random_unstructured(layer, name, 3), name, 2),
}


def test_every_weight_that_is_computed_is_found_once():
    model = nn.ModuleDict({"a": parametrizations.weight_norm(nn.Linear(2, 2)), "b": nn.Linear(2, 2)})
    for name in ("weight", "bias"):
        parametrize.register_parametrization(model["b"], name, Scaled())

    assert [sorted(derived_names(model[each])) for each in "ab"] == [["weight"], ["bias", "weight"]]


def test_a_module_that_is_only_called_so_is_none():
    model = nn.ModuleDict({"parametrizations": nn.ModuleDict({"weight": nn.Linear(2, 2)})})

    assert list(derived_names(model)) == []


def test_a_chain_of_parametrisations_is_followed():
    layer = nn.Linear(2, 2)
    start = layer.weight.detach().clone()
    for _ in range(2):
        parametrize.register_parametrization(layer, "weight", Scaled())

    torch.testing.assert_close(computed(layer, "weight"), 4 * start)


def test_a_parametrisation_with_chance_is_evaluated_without():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", nn.Dropout())
    before = torch.get_rng_state()

    assert torch.equal(computed(layer, "weight"), layer.parametrizations.weight.original)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("way", WAYS)
def test_a_weight_is_that_of_the_next_forward_pass_and_reading_it_changes_nothing(way):
    model = nn.Sequential(nn.Linear(4, 4))
    parameters = Parameters(model)  # made before the layer changes
    WAYS[way](model[0], "weight")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # the update after which the weight on the module is out of date
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = parameters["0.weight"].clone()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    model.eval()(torch.zeros(1, 4))
    torch.testing.assert_close(seen, model[0].weight.detach())


@pytest.mark.parametrize("way", ["weight_norm", "pruned"])
def test_a_weight_that_is_a_parameter_again_is_read_as_one(way):
    model = nn.Sequential(WAYS[way](nn.Linear(4, 4), "weight"))
    parameters = Parameters(model)
    assert parameters.matching("0.weight") == ["0.weight"]
    (prune.remove if way == "pruned" else parametrize.remove_parametrizations)(model[0], "weight")

    assert parameters["0.weight"].data_ptr() == model[0].weight.data_ptr()


def test_a_weight_that_another_hook_sets_is_unknown():
    layer = nn.Linear(2, 2)
    weight = layer._parameters.pop("weight")
    layer.register_forward_pre_hook(lambda module, _: setattr(module, "weight", 2 * weight))
    layer(torch.ones(1, 2))

    assert computed(layer, "weight") is None
