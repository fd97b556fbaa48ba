import pytest
import torch
from torch import nn

from probes.errors import UsageError
from probes.quantities import State, balance

CHANCE = torch.Generator().manual_seed(0)
FIRST, SECOND = torch.randn(4, 3, 2, 2, generator=CHANCE), torch.randn(5, 4, 2, 2, generator=CHANCE)


def difference(first, second):
    """W2'W2 - W1 W1', one entry after the other, in float64."""
    neurons = range(len(first))
    after = [[(second[:, one].double() * second[:, other]).sum() for other in neurons] for one in neurons]
    before = [[(first[one].double() * first[other]).sum() for other in neurons] for one in neurons]
    return torch.tensor(after).double(), torch.tensor(before).double()


def test_the_balance_of_convolutions_is_that_of_every_pair_of_neurons():
    after, before = difference(FIRST, SECOND)
    norm = (after - before).square().sum().sqrt()
    expected = torch.stack([norm, norm / (after.square().sum().sqrt() + before.square().sum().sqrt())])
    state = State(0, {"a": FIRST, "b": SECOND})

    torch.testing.assert_close(balance("a", "b")(state), expected.float())
    torch.testing.assert_close(balance("a", "b", per_neuron=True)(state), (after - before).diagonal().float())


def test_balanced_layers_are_at_zero():
    basis = nn.init.orthogonal_(torch.empty(4, 4), generator=CHANCE)
    scale = torch.tensor([3.0, 2.0, 1.0, 0.5]).diag()
    state = State(0, {"a": basis @ scale, "b": scale @ basis.T})

    assert float(balance("a", "b")(state)[0]) == pytest.approx(0, abs=1e-5)


def test_layers_of_zeros_are_balanced():
    values = balance("a", "b")(State(0, {"a": torch.zeros(2, 3), "b": torch.zeros(1, 2)}))

    assert values.tolist() == [0, 0]


def flow(activation, steps, rate=1e-3):
    """Both weights of a small network after gradient descent of so small steps that it is nearly gradient flow."""
    chance = torch.Generator().manual_seed(1)
    first, second = (torch.randn(*shape, generator=chance).double() / 2 for shape in ((3, 2), (2, 3)))
    inputs, targets = torch.randn(2, 20, 2, generator=chance).double()
    for weight in (first, second):
        weight.requires_grad_()
    for _ in range(steps):
        loss = (activation(inputs @ first.T) @ second.T - targets).square().mean()
        for weight, pull in zip((first, second), torch.autograd.grad(loss, (first, second)), strict=True):
            weight.data -= rate * pull
    return State(steps, {"a": first.detach(), "b": second.detach()})


def test_gradient_flow_conserves_the_balance_of_linear_layers():
    before, after = flow(nn.Identity(), 0), flow(nn.Identity(), 2000)
    moved = (after.parameters["a"] - before.parameters["a"]).norm()

    assert moved > 0.2
    assert abs(float(balance("a", "b")(after)[0] - balance("a", "b")(before)[0])) < 1e-3


def test_gradient_flow_conserves_the_balance_of_each_relu_neuron_and_not_that_between_neurons():
    before, after = flow(nn.ReLU(), 0), flow(nn.ReLU(), 1000)
    neurons = balance("a", "b", per_neuron=True)

    assert float((neurons(after) - neurons(before)).abs().max()) < 1e-3
    assert abs(float(balance("a", "b")(after)[0] - balance("a", "b")(before)[0])) > 1e-2


def test_layers_that_do_not_follow_each_other_are_refused():
    expected = "expected `b` to take in the 4 neurons of `a`, got shape (5, 6); name two layers in a row"
    with pytest.raises(UsageError) as raised:
        balance("a", "b")(State(0, {"a": FIRST, "b": torch.ones(5, 6)}))

    assert str(raised.value) == expected


def test_a_bias_has_no_balance():
    with pytest.raises(UsageError, match=r"^expected `b` of 2 axes or more, got shape \(4,\)"):
        balance("a", "b")(State(0, {"a": FIRST, "b": torch.ones(4)}))
