import copy

import pytest
import torch
from torch import nn

from probes.learners.images.networks import ImageNetwork
from probes.learners.images.stack import Stack

SHAPE, CLASSES, RUNS = (1, 16, 16), 5, 3
NETWORKS = {
    "conv": ImageNetwork(widths=(4, 6)),
    "conv with batch norm": ImageNetwork(widths=(4, 6), batch_norm=True, pool="average", power=2),
    "mlp": ImageNetwork("mlp", widths=(7,)),
    "resnet": ImageNetwork("resnet", depth=8),
    "wrn": ImageNetwork("wrn", depth=10),
}


def pictures(*sizes):
    return torch.rand(*sizes, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=NETWORKS)
def modules(request):
    return [NETWORKS[request.param].build(SHAPE, CLASSES, seed=seed).double() for seed in range(RUNS)]


def test_a_run_has_the_logits_gradients_and_buffers_of_the_network_alone(modules):
    inputs = pictures(RUNS, 4)
    stack = Stack(modules)
    stack(inputs).square().sum().backward()

    for run, alone in enumerate(modules):
        alone(inputs[run]).square().sum().backward()
        for name, weights in alone.named_parameters():
            torch.testing.assert_close(stack.weights[name].grad[run], weights.grad, rtol=1e-6, atol=1e-8)
        for name, buffer in alone.named_buffers():
            torch.testing.assert_close(stack.network.get_buffer(name)[run], buffer)


def test_inputs_without_a_run_axis_are_seen_by_every_run(modules):
    inputs = pictures(4)
    logits = Stack(modules).eval().outputs(inputs, batch_size=3)

    for run, alone in enumerate(modules):
        torch.testing.assert_close(logits[run], alone.eval()(inputs))


def test_a_run_comes_back_as_an_ordinary_network(modules):
    back = Stack(modules).select([2, 0]).module(0)

    assert type(back) is type(modules[2])
    assert [(name, value.tolist()) for name, value in back.state_dict().items()] == [
        (name, value.tolist()) for name, value in modules[2].state_dict().items()
    ]


def test_outputs_leave_mode_and_buffers_as_they_were(modules):
    stack = Stack(modules)
    before = copy.deepcopy(stack.state_dict())
    stack.outputs(pictures(4))

    assert stack.training
    assert all(value.equal(before[name]) for name, value in stack.state_dict().items())


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([], "expected at least one network to stack, got none"),
        (
            [nn.Linear(2, 3), nn.Linear(2, 4)],
            "expected equally shaped networks, got other parameters in network 1 than in network 0",
        ),
        (
            [Tied()],
            "expected networks whose parameters have one name each, got second.weight tied to others: train these "
            "networks one at a time",
        ),
        (
            [nn.Sequential(nn.Linear(2, 3), nn.Dropout())],
            "expected networks that draw nothing while they train, got the dropout '1': a run's draws would depend on "
            "the runs beside it; set its `p` to 0, or train one network at a time",
        ),
    ],
)
def test_networks_that_cannot_be_stacked_are_refused(modules, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Stack(modules)


def test_a_run_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"^expected `run` of 0 to 1, got 2$"):
        Stack([nn.Linear(2, 3), nn.Linear(2, 3)]).module(2)


def test_inputs_of_other_runs_are_refused():
    with pytest.raises(ValueError, match=r"^expected `inputs` of 2 runs, got shape \(3, 4, 1, 8, 8\)$"):
        Stack([nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)])(torch.zeros(3, 4, 1, 8, 8))
