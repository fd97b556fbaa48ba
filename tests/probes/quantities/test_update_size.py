import math

import pytest
import torch

from probes import Recorder, open_log
from probes.quantities import State, update_size
from tests.probes.training import network, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")
WEIGHTS = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))


def measured(weights):
    """Norm, relative norm and cosine of the last of some weights, in plain numbers."""
    before_last, before, now = ([float(value) for value in weight.flatten()] for weight in weights)
    update = [b - a for a, b in zip(before, now, strict=True)]
    last = [b - a for a, b in zip(before_last, before, strict=True)]
    along = sum(a * b for a, b in zip(update, last, strict=True))
    return [
        math.hypot(*update),
        math.hypot(*update) / math.hypot(*before),
        along / math.hypot(*update) / math.hypot(*last),
    ]


def seen(quantity, weights):
    return [quantity(State(step, {"w": weight})) for step, weight in enumerate(weights)]


def test_sizes_and_cosines_are_those_of_the_differences():
    values = seen(update_size("w"), WEIGHTS)
    by_neuron = seen(update_size("w", dims=("neuron",)), WEIGHTS)[2]

    assert values[0].tolist() == [0, 0, 0]
    torch.testing.assert_close(values[2], torch.tensor(measured(WEIGHTS[:3])))
    torch.testing.assert_close(values[3], torch.tensor(measured(WEIGHTS[1:])))
    torch.testing.assert_close(by_neuron, torch.tensor([measured(WEIGHTS[:3, neuron]) for neuron in range(2)]))


@pytest.mark.parametrize(("ahead", "cosine"), [(2.0, 1.0), (0.5, -1.0)])
def test_an_update_on_or_back_along_the_last_has_cosine_plus_or_minus_one(ahead, cosine):
    zero, one = torch.zeros(2, 3), torch.ones(2, 3)

    assert float(seen(update_size("w"), [zero, one, ahead * one])[2][2]) == pytest.approx(cosine, abs=1e-6)


def test_what_no_update_led_to_is_zero():
    zero, one = torch.zeros(2, 3), torch.ones(2, 3)
    values = seen(update_size("w"), [zero, zero, one])

    assert values[1].tolist() == [0, 0, 0]
    assert values[2][1:].tolist() == [0, 0]


def test_weights_that_are_changed_in_place_are_told_from_those_before():
    weight, quantity = torch.ones(2, 3), update_size("w")
    quantity(State(0, {"w": weight}))
    weight.mul_(3)

    assert float(quantity(State(1, {"w": weight}))[0]) == pytest.approx(2 * math.sqrt(6))


def test_plain_gradient_descent_moves_by_its_rate_times_the_gradient(tmp_path):
    model, _ = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms = []
    with Recorder(tmp_path / "run", {}, quantities=[update_size("0.weight")]).attach(model, optimizer):
        train(model, optimizer, 5, before_update=lambda loss: norms.append(0.1 * float(model[0].weight.grad.norm())))

    log = open_log(tmp_path / "run")
    assert log["0.weight.update_size"].dims == ("step", "measure")
    torch.testing.assert_close(torch.tensor(log["0.weight.update_size"][1:, 0]), torch.tensor(norms), rtol=1e-4, atol=0)


def test_a_resumed_look_is_that_of_an_uninterrupted_one():
    whole = seen(update_size("w"), WEIGHTS)
    before, after = update_size("w"), update_size("w")
    seen(before, WEIGHTS[:3])
    after.restore(before.state())

    assert torch.equal(after(State(3, {"w": WEIGHTS[3]})), whole[3])
