"""Quantities that remember something from look to look, in runs that are cut off and resumed."""

import numpy as np
import pytest
import torch

from probes.errors import UsageError
from probes.log import open_log
from probes.quantities import Quantity, State, distance_from_start
from probes.quantities.contract.memory import Memory
from probes.schedules import every
from tests.probes.recording.test_resuming import cut_off, go_on, uninterrupted
from tests.probes.training import network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


class Moved:
    """How far a weight has come since the last look, and how often it was looked at."""

    def __init__(self):
        self.last, self.looks = None, 0

    def __call__(self, state):
        weight = state.parameters["0.weight"].clone()
        moved = torch.zeros(()) if self.last is None else (weight - self.last).norm()
        self.last, self.looks = weight, self.looks + 1
        return torch.stack([moved, torch.tensor(float(self.looks))])

    def state_dict(self):
        return {"last": self.last, "looks": self.looks}

    def load_state_dict(self, state):
        self.last, self.looks = state["last"], state["looks"]


class Running(torch.nn.Module):
    """A running sum of weights, as a module of torch's that changes its buffer in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("sum", torch.zeros(4, 6))

    def forward(self, state):
        self.sum += state.parameters["0.weight"]
        return self.sum.clone()


def moved(schedule=None, **facts):
    return Quantity("moved", ("what",), Moved(), schedule=schedule, **facts)


def remembering(schedule):
    return [
        moved(schedule, reads=("0.weight",)),
        Quantity("sum", ("neuron", "dim"), Running(), schedule=every(5)),
        distance_from_start("0.weight"),
    ]


@pytest.mark.parametrize("attach_first", [True, False])
@pytest.mark.parametrize("schedule", [None, every(1), every(7), every(12)])
@pytest.mark.parametrize("run", [every(1), every(5)])
def test_a_resumed_run_ends_with_the_log_of_an_uninterrupted_one(tmp_path, path, attach_first, schedule, run):
    checkpoint = cut_off(path, quantities=remembering(schedule), schedule=run)
    options = {"quantities": remembering(schedule), "schedule": run}
    resumed = go_on(path, checkpoint, 18, attach_first=attach_first, **options)

    whole = uninterrupted(tmp_path / "whole" / path.name, quantities=remembering(schedule), schedule=run)
    for name in whole.series:
        assert resumed[name].steps.tolist() == whole[name].steps.tolist()
        assert resumed[name][:].tobytes() == whole[name][:].tobytes(), name


def test_what_is_remembered_is_of_the_looks_of_the_schedule(path):
    log = uninterrupted(path, quantities=[moved(every(7))])
    weights, optimizer = [], None
    model, optimizer = network()
    weights.append(model[0].weight.detach().clone())
    for _ in range(30):
        train(model, optimizer, 1)
        weights.append(model[0].weight.detach().clone())
    expected = [[0, 1], *([float((weights[n] - weights[n - 7]).norm()), n / 7 + 1] for n in range(7, 31, 7))]

    np.testing.assert_allclose(log["moved"][:], expected, rtol=1e-5)


def test_a_training_can_go_back_to_its_checkpoint_within_one_process(path):
    model, optimizer = network()
    with recorder(path, quantities=[moved()]).attach(model, optimizer) as back:
        train(model, optimizer, 12)
        saved, weights = back.state_dict(), {name: one.clone() for name, one in model.state_dict().items()}
        train(model, optimizer, 5)
        model.load_state_dict(weights)
        back.load_state_dict(saved)
        train(model, optimizer, 2)

    assert open_log(path)["moved"][:, 1].tolist() == list(range(1, 16))


def test_a_checkpoint_does_not_change_when_training_goes_on(path):
    model, optimizer = network()
    with recorder(path, quantities=[Quantity("sum", ("neuron", "dim"), Running())]).attach(model, optimizer) as summed:
        train(model, optimizer, 2)
        saved = summed.state_dict()["quantities"]["sum"]["sum"]
        before = saved.clone()
        train(model, optimizer, 2)

    assert torch.equal(saved, before)


def test_several_optimizers_that_make_one_update_are_one_look(path):
    model, _ = network()
    optimizers = [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (model[0], model[3])]
    with recorder(path, quantities=[moved()]).attach(model, optimizers):
        for _ in range(4):
            model(torch.ones(2, 6)).sum().backward()
            for optimizer in optimizers:
                optimizer.step()

    assert open_log(path)["moved"][:, 1].tolist() == [1, 2, 3, 4, 5]


def test_a_further_training_begins_with_nothing_remembered(path):
    first = recorder(path, quantities=[moved()])
    model, optimizer = network()
    with first.attach(model, optimizer):
        train(model, optimizer, 2)
    with first.further(2).attach(model, optimizer):
        train(model, optimizer, 2)

    assert open_log(path.with_name("run-2"))["moved"][:, 1].tolist() == [1, 2, 3]


def test_a_step_that_is_looked_at_again_takes_the_place_of_its_first_look():
    weights = torch.randn(4, 4, 6)
    once, twice = Memory(Running()), Memory(Running())
    for step, weight in enumerate(weights):
        twice(State(step, {"0.weight": weight + 1}))
        looks = [each(State(step, {"0.weight": weight})) for each in (once, twice)]
        assert torch.equal(*looks)


def test_the_state_of_other_quantities_is_refused(path):
    checkpoint = cut_off(path, quantities=[moved()])[2]
    checkpoint["quantities"] = {"other": 1}
    again = recorder(path, resume=True, quantities=[moved()])
    again.load_state_dict(checkpoint)
    with pytest.raises(UsageError) as error:
        again.attach(*network())

    assert str(error.value) == "expected the state of the quantities that have one, moved, got that of other"


def test_a_checkpoint_of_before_there_was_a_memory_is_gone_on_with(path):
    checkpoint = cut_off(path)[2]
    for name in ("quantities", "ended"):
        del checkpoint[name]
    again = recorder(path, resume=True)
    again.load_state_dict(checkpoint)
    model, optimizer = network()
    with again.attach(model, optimizer):
        train(model, optimizer, 2)

    assert open_log(path).steps.tolist() == list(range(15))
