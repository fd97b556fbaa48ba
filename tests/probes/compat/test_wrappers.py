"""What looks like an optimizer of torch's: hooked where that is possible, else refused before a run is made."""

import pytest
import torch

from probes.errors import UsageError
from probes.recorder import Recorder
from tests.probes.compat.rows import backward, every_update, identities, network

pytestmark = pytest.mark.usefixtures("own_random_numbers")


class Delegating:
    """A wrapper that passes on whatever it is asked, hooks among it."""

    def __init__(self, optimizer):
        self.wrapped = optimizer

    def __getattr__(self, name):
        return getattr(self.wrapped, name)

    def step(self, closure=None):
        return self.wrapped.step(closure)


class Alike(torch.optim.Optimizer):
    """A wrapper that is an optimizer by its class only."""

    def __init__(self, optimizer):
        self.wrapped = optimizer

    def step(self, closure=None):
        return self.wrapped.step(closure)


class Foreign:
    """An optimizer of another library."""

    def __init__(self, optimizer):
        self.wrapped = optimizer


@pytest.mark.situation("a wrapper around an optimizer that passes on its hooks", "works")
def test_a_wrapper_that_passes_on_hooks(path):
    model = network()
    optimizer = Delegating(torch.optim.SGD(model.parameters(), lr=0.1))
    with every_update(path, model, optimizer) as kept:
        for batch in range(4):
            optimizer.zero_grad()
            backward(model, batch)
            optimizer.step()
            kept()


@pytest.mark.situation("an optimizer without step hooks", "refused")
@pytest.mark.parametrize("kind", [Alike, Foreign])
@pytest.mark.parametrize("given", [lambda inside, other: other, lambda inside, other: [inside, other]])
def test_an_optimizer_without_hooks(path, kind, given):
    model = network()
    inside = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(UsageError, match="expected an optimizer with step hooks") as refused:
        Recorder(path, identities(model)).attach(model, given(inside, kind(inside)))

    assert str(refused.value) == (
        "expected an optimizer with step hooks, as torch.optim.Optimizer has, got "
        f"tests.probes.compat.test_wrappers.{kind.__name__}; give the optimizer inside it, whose updates are read "
        "when the step around it is over, or none and call `step` after every update"
    )
    assert not inside._optimizer_step_pre_hooks | inside._optimizer_step_post_hooks
    assert not path.exists()
