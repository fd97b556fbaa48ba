import hashlib
import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from probes import ProbeBatch
from probes.directions import Directions
from probes.errors import RunError, UsageError
from probes.log import open_log
from probes.quantities import Quantity, State, activations
from probes.schedules import every
from tests.probes.training import network, recorder, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")

INPUTS = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 1, 0, 1])
PASSES = []  # of every `Counted`, outside of what a look puts back


class Counted(nn.Sequential):
    def forward(self, inputs):
        PASSES.append(len(inputs))
        return super().forward(inputs)


def counted():
    PASSES.clear()
    model, _ = network()
    model = Counted(*model)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def losses(batch, schedule=None):
    def measure(state):
        return nn.functional.cross_entropy(batch.outputs(state), batch.labels, reduction="none")

    return Quantity("losses", ("sample",), measure, schedule=schedule, probe_batches=(batch,))


def hidden(batch, module, schedule=None):
    def measure(state):
        return (batch.activations(state, module) > 0).float().mean(0)

    return Quantity(f"active.{module}", ("neuron",), measure, schedule=schedule, probe_batches=(batch,))


def test_values_are_those_of_a_copy_in_evaluation_mode(path):
    model, optimizer = network()
    batch = ProbeBatch(INPUTS, LABELS)
    expected = []
    with recorder(path, quantities=[losses(batch), hidden(batch, "1")]).attach(model, optimizer):
        for _ in range(4):
            copy, _ = network()
            copy.load_state_dict(model.state_dict())
            logits = copy.eval()(INPUTS).detach().double().log_softmax(1)
            expected.append([-float(row[label]) for row, label in zip(logits, LABELS, strict=True)])
            train(model, optimizer, 1)

    np.testing.assert_allclose(open_log(path)["losses"][:4], expected, rtol=1e-5)


def test_quantities_that_look_at_the_same_step_share_one_forward_pass(path):
    model, optimizer = counted()
    batch = ProbeBatch(INPUTS, LABELS)
    shown = activations("0", batch, Directions(torch.eye(4)), schedule=every(2))
    quantities = [losses(batch), hidden(batch, "1"), hidden(batch, "2", every(3)), shown]
    with recorder(path, quantities=quantities).attach(model, optimizer):
        PASSES.clear()
        train(model, optimizer, 6)

    assert PASSES == [8, 5] * 6  # of the training, and of the probe batch


def test_the_next_look_at_the_same_step_sees_the_weights_of_its_own():
    model, _ = counted()
    batch = ProbeBatch(INPUTS)
    for _ in range(2):
        nn.init.normal_(model[3].weight)
        assert torch.equal(batch.outputs(State(3, {}, model)), model.eval()(INPUTS))


def test_nothing_that_was_seen_is_kept_after_a_step(path):
    model, optimizer = counted()
    batch = ProbeBatch(INPUTS, LABELS)
    with recorder(path, quantities=[losses(batch)]).attach(model, optimizer):
        train(model, optimizer, 1)

        assert (batch._look, batch._seen) == (None, {})


class Normalised(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))


def test_a_model_in_training_mode_is_evaluated_and_left_to_the_bit():
    model = Normalised()
    model(torch.randn(8, 6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    versions = [buffer._version for buffer in model.buffers()]
    numbers = torch.get_rng_state()
    found = ProbeBatch(INPUTS).outputs(model)

    assert all(each.training for each in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [buffer._version for buffer in model.buffers()] == versions
    assert torch.equal(torch.get_rng_state(), numbers)
    assert torch.equal(found, model.eval()(INPUTS))


@pytest.mark.parametrize("hooks", [False, True])
def test_hooks_of_users_are_called_when_asked_for(hooks):
    model, called = nn.Sequential(nn.Linear(6, 2)), []
    handles = [
        model[0].register_forward_hook(lambda *_: called.append("module")),
        model.register_forward_pre_hook(lambda *_: called.append("before")),
        nn.modules.module.register_module_forward_hook(lambda *_: called.append("every module")),
    ]
    try:
        ProbeBatch(INPUTS, hooks=hooks).activations(model, "0")
        assert set(called) == ({"module", "before", "every module"} if hooks else set())
        called.clear()
        model(INPUTS)
        assert set(called) == {"module", "before", "every module"}
    finally:
        for handle in handles:
            handle.remove()


class Sum(nn.Module):
    def forward(self, first, second):
        return first + 2 * second


@pytest.mark.parametrize("inputs", [(INPUTS, INPUTS), {"second": INPUTS, "first": INPUTS}])
def test_several_inputs_come_in_order_or_by_name(inputs):
    torch.testing.assert_close(ProbeBatch(inputs).outputs(Sum()), 3 * INPUTS)


def test_logits_stand_for_an_output_that_has_them():
    class Answer(nn.Module):
        def forward(self, inputs):
            return type("Output", (), {"logits": inputs})

    assert torch.equal(ProbeBatch(INPUTS).outputs(Answer()), INPUTS)


@pytest.mark.parametrize("wrapped", [partial(torch.compile, backend="eager"), nn.DataParallel])
def test_wrappers_around_a_model_are_left_out(wrapped):
    model, _ = network()
    found = ProbeBatch(INPUTS).activations(wrapped(model), "0")

    assert torch.equal(found, model[0](INPUTS))


def test_the_batch_is_moved_to_the_device_of_the_model():
    batch = ProbeBatch(INPUTS, LABELS)

    assert batch.outputs(network()[0].to("meta")).device.type == batch.labels.device.type == "meta"


def test_what_becomes_of_the_tensors_later_does_not_change_the_batch():
    inputs, labels = INPUTS.clone(), LABELS.clone()
    batch = ProbeBatch(inputs, labels)
    inputs.zero_(), labels.zero_()

    assert torch.equal(batch.inputs, INPUTS)
    assert torch.equal(batch.labels, LABELS)


def test_the_batch_is_known_to_the_run(path):
    model, optimizer = network()
    batch = ProbeBatch(INPUTS, LABELS, ids=["a", "b", "c", "d", 7], name="held out")
    shown = activations("0", batch, Directions(torch.eye(4)))
    with recorder(path, quantities=[losses(batch), shown]).attach(model, optimizer):
        train(model, optimizer, 1)

    content = repr(("", "torch.float32", (5, 6))).encode() + INPUTS.numpy().tobytes()
    content += repr(("labels", "torch.int64", (5,))).encode() + LABELS.numpy().tobytes()
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "samples": 5,
        "shapes": {"inputs": [5, 6], "labels": [5]},
        "ids": ["a", "b", "c", "d", 7],
    }
    assert json.loads((path / "run.json").read_text())["batches"] == {"held out": described}
    assert open_log(path).manifest.batches == {"held out": described}
    assert open_log(path).series["0.activations"].labels["sample"] == ("a", "b", "c", "d", "7")


def test_the_hash_tells_batches_apart():
    others = [
        ProbeBatch(INPUTS, LABELS),
        ProbeBatch(INPUTS),
        ProbeBatch(INPUTS.double()),
        ProbeBatch(INPUTS.flip(0)),
        ProbeBatch(INPUTS[:, None]),
        ProbeBatch({"x": INPUTS}),
        ProbeBatch(INPUTS.bfloat16()),
    ]

    assert len({batch.sha256 for batch in others}) == len(others)
    assert ProbeBatch(INPUTS.t().contiguous().t()).sha256 == ProbeBatch(INPUTS).sha256


def test_a_run_is_not_gone_on_with_on_another_batch(path):
    model, optimizer = network()
    with recorder(path, quantities=[losses(ProbeBatch(INPUTS, LABELS))]).attach(model, optimizer) as first:
        train(model, optimizer, 2)
        state = first.state_dict()
    other = recorder(path, quantities=[losses(ProbeBatch(INPUTS + 1, LABELS))], resume=True)
    other.load_state_dict(state)
    with pytest.raises(RunError, match="got other probe batches; record into another directory"):
        other.attach(model, optimizer)


def test_two_batches_of_one_name_are_refused(path):
    quantities = [losses(ProbeBatch(INPUTS, LABELS)), hidden(ProbeBatch(INPUTS), "1")]
    with pytest.raises(UsageError) as error:
        recorder(path, quantities=quantities).attach(*network())

    assert str(error.value) == "expected a name for each probe batch, got two of `probe`; give one another `name`"
