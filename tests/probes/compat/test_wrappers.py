"""What looks like an optimizer of torch's: hooked where that is possible, else refused before a run is made."""

import warnings

import pytest
import torch
from schedulefree import ScheduleFreeWrapper, SGDScheduleFree
from torch.optim.optimizer import register_optimizer_step_post_hook

from probes.errors import UsageError
from probes.recording import Recorder
from tests.probes.compat.rows import backward, every_update, identities, network

with warnings.catch_warnings():  # it compiles other optimizers in a way that torch gives up
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch.distributed.optim import PostLocalSGDOptimizer

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


def train(model, optimizer, kept):
    for batch in range(4):
        optimizer.zero_grad()
        backward(model, batch)
        optimizer.step()
        kept()


@pytest.mark.situation("a wrapper around an optimizer that passes on its hooks", "works")
def test_a_wrapper_that_passes_on_hooks(path):
    model = network()
    optimizer = Delegating(torch.optim.SGD(model.parameters(), lr=0.1))
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)


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


class Lookahead:
    """A wrapper that moves the weights after every second step of the optimizer inside."""

    def __init__(self, inside):
        self.inside, self.done = inside, 0

    @torch.no_grad()
    def step(self):
        self.inside.step()
        self.done += 1
        for parameter in self.inside.param_groups[0]["params"] if self.done % 2 == 0 else ():
            parameter.mul_(0.5)


@pytest.mark.situation("a wrapper that goes on with the weights (Lookahead), by the optimizer inside it", "works")
def test_an_update_is_over_when_the_wrapper_is(path):
    model = network()
    inside = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = Lookahead(inside)
    with every_update(path, model, inside) as kept:
        for batch in range(4):
            inside.zero_grad()
            backward(model, batch)
            optimizer.step()
            kept()


@pytest.mark.situation("a step hook of others that changes weights, registered later or for all optimizers", "works")
@pytest.mark.parametrize("everywhere", [False, True])
def test_hooks_of_others_belong_to_the_update(path, everywhere):
    def clamp(optimizer, *_):
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.data.clamp_(-0.1, 0.1)

    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    register = register_optimizer_step_post_hook
    with every_update(path, model, optimizer) as kept:
        handle = register(clamp) if everywhere else optimizer.register_step_post_hook(clamp)
        for batch in range(4):
            backward(model, batch)
            optimizer.step()
            kept()
        handle.remove()


@pytest.mark.situation("an optimizer that is replaced in mid-training", "works")
def test_an_optimizer_that_takes_over_counts(path):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with every_update(path, model, optimizer) as kept:
        for batch in range(6):
            if batch == 3:
                optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            optimizer.zero_grad()
            backward(model, batch)
            optimizer.step()
            kept()


@pytest.mark.situation("a schedule-free optimizer, alone (schedulefree.SGDScheduleFree)", "works")
def test_a_schedule_free_optimizer(path):
    model = network()
    optimizer = SGDScheduleFree(model.parameters(), lr=0.1)
    optimizer.train()
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)


@pytest.mark.situation("a schedule-free wrapper (ScheduleFreeWrapper), by the optimizer inside it", "works")
def test_a_schedule_free_wrapper(path):
    model = network()
    inside = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = ScheduleFreeWrapper(inside, momentum=0.9)
    optimizer.train()
    with every_update(path, model, inside) as kept:
        train(model, optimizer, kept)


class Halving:
    """What stands for an average over processes: after every second update the weights are halved."""

    def __init__(self):
        self.step = 0

    @torch.no_grad()
    def average_parameters(self, params):
        self.step += 1
        for group in params if self.step % 2 == 0 else ():
            for parameter in group["params"]:
                parameter.mul_(0.5)


@pytest.mark.situation("weights averaged after the update (PostLocalSGDOptimizer), by the optimizer inside it", "works")
def test_a_local_optimizer_whose_weights_are_averaged_after_it(path):
    model = network()
    inside = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = PostLocalSGDOptimizer(inside, Halving())
    with every_update(path, model, inside) as kept:
        train(model, optimizer, kept)


class SharpnessAware(torch.optim.Optimizer):
    """SAM as it is published: two steps of its own, of which the second is the update of the optimizer inside.

    Source: Foret et al., 2021, https://arxiv.org/abs/2010.01412.
    """

    def __init__(self, parameters, inside):
        super().__init__(parameters, {})
        self.inside = inside
        self.param_groups = inside.param_groups

    @torch.no_grad()
    def first_step(self):
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter]["before"] = parameter.clone()
            parameter.add_(parameter.grad, alpha=0.05)

    @torch.no_grad()
    def second_step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter.copy_(self.state[parameter]["before"])
        self.inside.step()


@pytest.mark.situation("SAM by two steps, or the optimizer inside it", "works")
@pytest.mark.parametrize("given", [lambda wrapper, inside: wrapper, lambda wrapper, inside: inside])
def test_of_two_steps_the_second_is_the_update(path, given):
    model = network()
    inside = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = SharpnessAware(model.parameters(), inside)
    with every_update(path, model, given(optimizer, inside)) as kept:
        for batch in range(4):
            optimizer.zero_grad()
            backward(model, batch)
            optimizer.first_step()
            optimizer.zero_grad()
            backward(model, batch)
            optimizer.second_step()
            kept()
