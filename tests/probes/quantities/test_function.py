import copy

import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.quantities import State
from tests.probes.quantities.small import BATCH, INPUTS, LABELS, classifier, evaluated

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def everything(model):
    """What must not change, of every module: values, versions, gradients, attributes."""
    tensors = [*model.parameters(), *model.buffers()]
    values = [one.detach().clone() for one in tensors]
    facts = [(id(one), one._version, one.grad, one.requires_grad) for one in tensors]
    return values, facts, [(module.training, sorted(vars(module))) for module in model.modules()]


def test_a_function_has_the_outputs_and_gradients_of_evaluation_mode():
    model = classifier()
    with BATCH.function(model) as function:
        outputs = function(function.parameters)
        gradients = torch.func.grad(lambda parameters: function(parameters).square().sum())(function.parameters)
    expected = evaluated(model)
    expected(INPUTS).square().sum().backward()

    torch.testing.assert_close(outputs, expected(INPUTS).detach())
    assert [*gradients] == [name for name, _ in model.named_parameters()]
    for name, parameter in expected.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad)


def test_a_function_leaves_the_model_and_all_that_is_global_as_it_was():
    model = classifier()
    before, numbers, fast = everything(model), torch.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    with torch.no_grad(), BATCH.function(model) as function:
        torch.func.grad(lambda parameters: function(parameters).sum())(function.parameters)
        assert torch.is_grad_enabled()
    after = everything(model)

    assert all(map(torch.equal, before[0], after[0]))
    assert before[1:] == after[1:]
    assert torch.equal(torch.get_rng_state(), numbers)
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled() == fast


def test_tied_parameters_are_one():
    model = nn.Sequential(nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False))
    model[1].weight = model[0].weight
    with ProbeBatch(INPUTS.float(), LABELS).function(model) as function:
        (found,) = torch.func.grad(lambda parameters: function(parameters).sum())(function.parameters).values()
    copied = copy.deepcopy(model)
    copied(INPUTS.float()).sum().backward()

    torch.testing.assert_close(found, copied[0].weight.grad)


@pytest.mark.parametrize("inputs", [(INPUTS, 2 * INPUTS), {"second": 2 * INPUTS, "first": INPUTS}])
def test_samples_alone_are_the_rows_of_the_outputs(inputs):
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(5, 2).double())

        def forward(self, first, second):
            return type("Output", (), {"logits": (first - second.square()) @ self.weight})

    with ProbeBatch(inputs).function(Product()) as function:
        alone = torch.func.vmap(function.alone, in_dims=(None, 0))(function.parameters, function.samples)
        torch.testing.assert_close(alone, function(function.parameters))


def test_what_was_asked_of_one_model_is_not_asked_of_the_next():
    batch = ProbeBatch(INPUTS)
    deep = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    batch.activations(State(0, {}, deep), "2")
    model = deep[:2]

    torch.testing.assert_close(batch.activations(State(0, {}, model), "1"), model(INPUTS).detach())


def test_the_input_of_a_module_is_noted_before_it_is_changed_in_place():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True), nn.Linear(4, 3)).double()
    look = State(0, {}, model)

    torch.testing.assert_close(BATCH.inputs_of(look, "1"), model[0](INPUTS).detach())
    torch.testing.assert_close(BATCH.activations(look, "0"), model[0](INPUTS).detach())
    torch.testing.assert_close(BATCH.inputs_of(look, "2"), model[0](INPUTS).detach().relu())


def test_series_of_a_batch_end_with_its_name_if_it_has_one():
    assert [ProbeBatch(INPUTS, name=name).suffix for name in ("probe", "held_out")] == ["", ".held_out"]


def test_a_model_that_counts_its_passes_is_differentiated_all_the_same():
    class Counted(nn.Linear):
        def __init__(self):
            super().__init__(5, 3)
            self.register_buffer("passes", torch.zeros(()))

        def forward(self, inputs):
            self.passes += 1
            return super().forward(inputs)

    model = Counted().double()
    with BATCH.function(model) as function:
        gradients = torch.func.vmap(
            torch.func.grad(lambda parameters, sample: function.alone(parameters, sample).sum()), in_dims=(None, 0)
        )
        found = gradients(function.parameters, function.samples)["weight"]

    torch.testing.assert_close(found, INPUTS[:, None].expand(-1, 3, -1))
    assert model.passes == 0
