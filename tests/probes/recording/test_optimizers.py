import pytest
import torch

from probes import open_log
from probes.recording.optimizers import unwrapped
from tests.probes.training import network, recorder, train


class AcceleratedOptimizer(torch.optim.Optimizer):
    """As Accelerate's: an optimizer by type that never was one, around another."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def step(self, closure=None):
        self.optimizer.step(closure)

    def zero_grad(self, set_to_none=True):
        self.optimizer.zero_grad(set_to_none)


def test_a_wrapper_in_a_wrapper_is_seen_through():
    _, optimizer = network()

    assert unwrapped(AcceleratedOptimizer(AcceleratedOptimizer(optimizer))) is optimizer


@pytest.mark.usefixtures("own_random_numbers")
def test_the_updates_of_a_wrapped_optimizer_are_recorded(path):
    model, optimizer = network()
    wrapped = AcceleratedOptimizer(optimizer)
    with recorder(path).attach(model, wrapped):
        train(model, wrapped)

    assert open_log(path).steps.tolist() == [0, 1, 2, 3, 4, 5]
