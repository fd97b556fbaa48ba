import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.errors import UsageError
from probes.quantities import gradient_outer_product, gradient_outer_product_correlation
from tests.probes.quantities.small import BATCH, INPUTS, classifier, close, evaluated, state

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def by_hand(rest, inputs):
    """Over samples and outputs, by autograd at the layer's input."""
    total = 0
    for one in inputs:
        leaf = one[None].detach().requires_grad_()
        for output in rest(leaf).flatten():
            (gradient,) = torch.autograd.grad(output, leaf, retain_graph=True)
            total = total + gradient.T @ gradient
    return total / len(inputs)


@pytest.mark.parametrize("layer", [0, 4])
def test_the_product_is_that_of_jacobians_in_evaluation_mode(layer):
    model = classifier()
    copy = evaluated(model)
    found = gradient_outer_product(str(layer), BATCH)(state(model))

    close(found, by_hand(copy[layer:], copy[:layer](INPUTS)))


def test_the_product_of_a_convolution_is_over_patches():
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(9, 2)).double()
    images = torch.randn(4, 2, 5).double()
    patches = images.unfold(2, 3, 1).transpose(1, 2).flatten(2)  # (sample, place, dim)

    def rest(patch):
        layer = model[0]
        return model[1:]((patch @ layer.weight.flatten(1).T + layer.bias).transpose(1, 2))

    total = 0
    for one in patches:
        J = torch.autograd.functional.jacobian(rest, one[None])[0, :, 0]  # (output, place, dim)
        total = total + torch.einsum("csd,cse->de", J, J)
    close(gradient_outer_product("0", ProbeBatch(images))(state(model)), total / 4)


def test_a_layer_that_is_called_twice_counts_at_each_call():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 5, bias=False).double()

        def forward(self, inputs):
            return self.layer(self.layer(inputs))

    model = Twice()
    W = model.layer.weight.detach()
    close(gradient_outer_product("layer", BATCH)(state(model)), W.T @ W.T @ W @ W + W.T @ W)


def test_of_a_linear_model_the_product_is_its_own_feature_matrix():
    model = nn.Sequential(nn.Linear(5, 3)).double()
    W = model[0].weight.detach()

    close(gradient_outer_product("0", BATCH)(state(model)), W.T @ W)
    close(gradient_outer_product_correlation("0", BATCH)(state(model)), 1)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_the_correlation_is_the_cosine_of_all_entries(power):
    model = classifier()
    G, W = by_hand(evaluated(model), INPUTS), model[0].weight.detach()
    values, vectors = torch.linalg.eigh(G)
    G = vectors @ values.clamp(min=0).pow(power).diag() @ vectors.T
    expected = nn.functional.cosine_similarity((W.T @ W).flatten(), G.flatten(), dim=0)

    close(gradient_outer_product_correlation("0", BATCH, power=power)(state(model)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "got"), [("1", "BatchNorm1d"), ("nowhere", "none of that name"), ("grouped", "Conv1d")]
)
def test_what_is_no_linear_map_of_inputs_is_refused(layer, got):
    model = classifier()
    model.add_module("grouped", nn.Conv1d(4, 4, 1, groups=2))
    with pytest.raises(UsageError) as refused:
        gradient_outer_product(layer, BATCH)(state(model))

    assert str(refused.value) == (f"expected a Linear layer, or a convolution with one group, as `{layer}`, got {got}")


def test_outputs_that_do_not_depend_on_the_layer_are_refused():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(5, 2).double(), nn.Linear(5, 2)

        def forward(self, inputs):
            return self.used(inputs)

    with pytest.raises(UsageError) as refused:
        gradient_outer_product("unused", ProbeBatch(INPUTS))(state(Unused()))

    assert str(refused.value) == "expected outputs of the model with a gradient to `unused`, got none"


def test_a_power_above_0_is_needed():
    with pytest.raises(ValueError, match=r"^expected `power`") as refused:
        gradient_outer_product_correlation("0", BATCH, power=0)

    assert str(refused.value) == "expected `power` above 0, got 0"
