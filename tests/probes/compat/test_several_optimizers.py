"""Several optimizers make one update together, also those that step inside the backward pass."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tests.probes.compat.rows import backward, every_update, network

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def one_for_each_layer(model):
    return [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in model if isinstance(layer, nn.Linear)]


@pytest.mark.situation("several optimizers, each once per update", "works")
@pytest.mark.parametrize("turned", [1, -1])
def test_several_optimizers(path, turned):
    model = network()
    pair = one_for_each_layer(model)[::turned]
    with every_update(path, model, pair) as kept:
        for batch in range(4):
            model.zero_grad()
            backward(model, batch)
            for optimizer in pair:
                optimizer.step()
            kept()


@pytest.mark.situation("two optimizers in turn, each with its own backward pass (GAN)", "works")
def test_two_optimizers_in_turn(path):
    model = network()
    pair = one_for_each_layer(model)
    with every_update(path, model, pair) as kept:
        for batch in range(4):
            for optimizer in pair:
                model.zero_grad()
                backward(model, batch)
                optimizer.step()
            kept()


@pytest.mark.situation("one optimizer steps several times for each step of another", "works")
def test_one_optimizer_steps_more_often(path):
    model = network()
    often, seldom = one_for_each_layer(model)
    with every_update(path, model, [often, seldom]) as kept:
        for batch in range(7):
            model.zero_grad()
            backward(model, batch)
            often.step()
            if batch % 3 == 2:
                seldom.step()
            kept()


@pytest.mark.situation("an exception in one of several optimizers, and training goes on", "works")
def test_one_of_several_breaks_off(path):
    model = network()
    first, second = one_for_each_layer(model)
    with every_update(path, model, [first, second]) as kept:
        for batch in range(4):
            backward(model, batch)
            first.step()
            with pytest.raises(ZeroDivisionError, match="division by zero"):
                second.step(lambda: 1 / 0)
            second.step()
            kept()


@pytest.fixture
def in_backward():
    """An optimizer for each parameter, which steps as soon as the gradient is there and lets go of it."""
    handles = []

    def begin(model):
        optimizers = {parameter: torch.optim.SGD([parameter], lr=0.1) for parameter in model.parameters()}

        def update(parameter):
            optimizers[parameter].step()
            optimizers[parameter].zero_grad()

        handles.extend(parameter.register_post_accumulate_grad_hook(update) for parameter in optimizers)
        return list(optimizers.values())

    yield begin
    for handle in handles:  # else torch keeps what they hold, for good
        handle.remove()


@pytest.mark.situation("optimizer in backward, one for each parameter", "works")
def test_optimizers_in_the_backward_pass(path, in_backward):
    model = network()
    with every_update(path, model, in_backward(model)) as kept:
        for batch in range(4):
            backward(model, batch)
            kept()


PLACES = [(0, 2), (0,), (2,), (0, 2), (0, 2), (2,), (2,)]  # of the layers that get a gradient


@pytest.mark.situation("optimizer in backward, some parameters without a gradient", "works")
@pytest.mark.parametrize("turned", [1, -1])
def test_optimizers_in_the_backward_pass_of_a_part(path, in_backward, turned):
    model = network()
    with every_update(path, model, in_backward(model)) as kept:
        for number, places in enumerate(PLACES[::turned]):
            sum((model[place].weight ** 2).sum() for place in places).backward()
            assert kept.recorder.updates == number + 1  # at the end of the pass, before the next begins
            kept()


@pytest.mark.situation("optimizer in backward with reentrant checkpoints, a backward pass inside another", "works")
def test_optimizers_in_a_backward_pass_inside_another(path, in_backward):
    model = nn.Sequential(*(nn.Linear(6, 6) for _ in range(4)))
    with every_update(path, model, in_backward(model)) as kept:
        for batch in range(4):
            inputs = torch.randn(8, 6, requires_grad=True)
            middle = checkpoint(model[:2], inputs, use_reentrant=True)
            kept_back = checkpoint(model[2:], middle, use_reentrant=True) if batch % 2 else model[2:](middle)
            kept_back.square().mean().backward()
            kept()


@pytest.mark.situation("optimizer in backward for a part, the rest stepped as usual", "works")
def test_optimizers_in_the_backward_pass_beside_a_usual_one(path, in_backward):
    model = network()
    usual = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with every_update(path, model, [*in_backward(model[0]), usual]) as kept:
        for batch in range(4):
            usual.zero_grad()
            backward(model, batch)
            usual.step()
            kept()


@pytest.mark.situation("optimizer in backward, a backward pass that breaks off", "works")
def test_a_backward_pass_that_breaks_off(path, in_backward):
    model, factor = network(), torch.ones(4, requires_grad=True)
    with every_update(path, model, in_backward(model)) as kept:
        broken = factor * 1
        broken.register_hook(lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            model[2](model[0].bias * broken).sum().backward()  # the second layer has stepped by then
        kept()
        for batch in range(3):
            backward(model, batch)
            kept()
