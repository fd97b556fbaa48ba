"""What counts as an update: one row for each, and the weights in it are those after the update."""

import copy
import pickle

import pytest
import torch
from torch import nn

from tests.probes.compat.rows import Clamped, backward, every_update, network

pytestmark = pytest.mark.usefixtures("own_random_numbers")

UPDATES = 5
OPTIMIZERS = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
)


def stepper(name, parameters):
    """An optimizer of torch's by its name."""
    return getattr(torch.optim, name)(parameters, lr=0.01)


def train(model, optimizer, kept, updates=UPDATES):
    for batch in range(updates):
        optimizer.zero_grad()
        backward(model, batch)
        optimizer.step()
        kept()


@pytest.mark.situation("every optimizer of torch.optim that takes dense gradients", "works")
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in {"Optimizer", "SparseAdam", "LBFGS"}])
def test_every_optimizer_of_torch(path, name):
    model = network(bias=False)
    optimizer = stepper(name, model.parameters())
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)


@pytest.mark.situation("sparse gradients (SparseAdam)", "works")
def test_sparse_gradients(path):
    model = nn.ModuleList([nn.Linear(6, 4)])
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer) as kept:
        for _ in range(UPDATES):
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter).to_sparse()
            optimizer.step()
            kept()


@pytest.mark.situation("gradient accumulation", "works")
def test_gradient_accumulation(path):
    model = network()
    optimizer = stepper("SGD", model.parameters())
    with every_update(path, model, optimizer) as kept:
        for batch in range(12):
            backward(model, batch)
            if batch % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
                kept()


@pytest.mark.situation("evaluation passes between updates", "works")
def test_evaluation_passes(path):
    model = network()
    optimizer = stepper("SGD", model.parameters())
    with every_update(path, model, optimizer) as kept:
        for _ in range(3):
            train(model.train(), optimizer, kept, updates=1)
            with torch.no_grad():
                model.eval()(torch.randn(8, 6))


@pytest.mark.situation("LBFGS, whose closure is called many times in a step", "works")
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs(path, search):
    model, calls = network(), []
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=7, line_search_fn=search)

    def closure():
        calls.append(1)
        optimizer.zero_grad()
        return backward(model)

    with every_update(path, model, optimizer) as kept:
        for _ in range(3):
            optimizer.step(closure)
            kept()

    assert len(calls) > 9


@pytest.mark.situation("an optimizer whose `step` calls that of its parent", "works")
def test_a_subclass_that_calls_its_parents_step(path):
    model = network()
    torch.optim.SGD(model.parameters())  # from here on torch calls the hooks for the parent's step, too
    optimizer = Clamped(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)


class Failing(torch.optim.SGD):
    """An optimizer whose step can break off before it changes a weight."""

    fails = False

    def step(self, closure=None):
        if self.fails:
            raise ZeroDivisionError("division by zero")
        return super().step(closure)


@pytest.mark.situation("an exception in the closure or in `step`, and training goes on", "works")
@pytest.mark.parametrize("kind", [torch.optim.SGD, Clamped, Failing])
def test_a_step_that_breaks_off(path, kind):
    model = network()
    optimizer = kind(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer) as kept:
        for _ in range(3):
            optimizer.fails = True
            with pytest.raises(ZeroDivisionError, match="division by zero"):
                optimizer.step(lambda: 1 / 0)
            optimizer.fails = False
            train(model, optimizer, kept, updates=2)


@pytest.mark.situation("optimizer.load_state_dict", "works")
def test_an_optimizer_whose_state_is_loaded(path):
    model = network()
    optimizer = stepper("Adam", model.parameters())
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        train(model, optimizer, kept)


class Generous(torch.optim.SGD):
    """An optimizer that gives its copies all it has, hooks included."""

    def __getstate__(self):
        return self.__dict__


@pytest.mark.situation("copies of the optimizer (deepcopy, pickle), which are not recorded", "works")
@pytest.mark.parametrize("kind", [torch.optim.SGD, Generous])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301 - its own
def test_a_copy_of_the_optimizer(path, kind, copied):
    model = network()
    optimizer = kind(model.parameters(), lr=0.1)
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept)
        other = copied(optimizer)
        other.step()
        train(model, optimizer, kept)


@pytest.mark.situation("learning rate schedulers, which wrap `step`", "works")
def test_a_learning_rate_scheduler(path):
    model = network()
    optimizer = stepper("SGD", model.parameters())
    before = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=20)
    with every_update(path, model, optimizer) as kept:
        after = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        for _ in range(3):
            train(model, optimizer, kept, updates=1)
            before.step()
            after.step()


@pytest.mark.situation("weight averages (AveragedModel, SWALR)", "works")
def test_an_average_of_the_weights(path):
    model = network()
    optimizer = stepper("SGD", model.parameters())
    with every_update(path, model, optimizer) as kept:
        average = torch.optim.swa_utils.AveragedModel(model)
        rates = torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.05)
        for _ in range(3):
            train(model, optimizer, kept, updates=1)
            average.update_parameters(model)
            rates.step()
        torch.optim.swa_utils.update_bn([torch.randn(8, 6)], average)


@pytest.mark.situation("weight averages recorded themselves, with `recorder.step()`", "works")
def test_an_average_that_is_recorded_itself(path):
    model = network()
    optimizer, average = stepper("SGD", model.parameters()), torch.optim.swa_utils.AveragedModel(model)
    with every_update(path, average.module, attached_to=average) as kept:
        for _ in range(3):
            train(model, optimizer, lambda: None, updates=1)
            average.update_parameters(model)
            kept.recorder.step()
            kept()


@pytest.mark.situation("layers that are unfrozen later (add_param_group)", "works")
def test_a_parameter_group_that_comes_later(path):
    model = network()
    optimizer = stepper("SGD", model[2].parameters())
    with every_update(path, model, optimizer) as kept:
        train(model, optimizer, kept, updates=2)
        optimizer.add_param_group({"params": model[0].parameters()})
        train(model, optimizer, kept, updates=2)


@pytest.mark.situation("updates by hand and torch.func loops, with `recorder.step()`", "works")
def test_a_functional_loop(path):
    model = network()
    gradients = torch.func.grad(lambda given, x: torch.func.functional_call(model, given, x).square().mean())
    with every_update(path, model) as kept:
        for _ in range(3):
            pulls = gradients(dict(model.named_parameters()), torch.randn(8, 6))
            for name, parameter in model.named_parameters():
                parameter.data -= 0.1 * pulls[name]
            kept.recorder.step()
            kept()
