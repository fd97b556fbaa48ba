"""Recording on a device: on one that exists only here and works in the worst order, and on a GPU where there is one."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from probes.log import open_log
from probes.log.manifest import Manifest
from probes.quantities import Quantity
from probes.recording import Recorder, StackedRecorder
from probes.schedules import every
from tests.probes.measuring.devices import Machine

STEPS = 60
WEIGHTS = torch.randn(STEPS, 2, 3, generator=torch.Generator().manual_seed(0))
SEEN = Quantity("seen", ("neuron", "dim"), lambda state: state.parameters["weight"])


@pytest.fixture(params=[0.0, 0.2, 1.0])
def machine(monkeypatch, request):
    with Machine(monkeypatch, random.Random(0), request.param) as machine:
        yield machine


def model_on(machine):
    model = nn.Module()
    model.weight = nn.Parameter(machine.put(WEIGHTS[0]))
    return model


def update(model, recorder, step):
    model.weight.data.copy_(WEIGHTS[step])
    recorder.log(loss=model.weight.detach()[0, 0].clone())
    recorder.step()


def recorder(path, model, **options):
    return Recorder(path, {}, quantities=[SEEN], on_error="raise", **options).attach(model)


def test_every_step_and_number_is_recorded(machine, tmp_path):
    model = model_on(machine)
    with recorder(tmp_path / "run", model) as recording:
        for step in range(1, STEPS):
            update(model, recording, step)
    log = open_log(tmp_path / "run")
    assert log.steps.tolist() == list(range(STEPS))
    np.testing.assert_array_equal(log["seen"][:], WEIGHTS)
    assert log.scalars().loss.tolist() == WEIGHTS[1:, 0, 0].tolist()


def test_the_host_waits_only_when_a_block_is_full(machine, tmp_path):
    model, waits = model_on(machine), []
    with recorder(tmp_path / "run", model) as recording:
        for step in range(1, STEPS):
            before = machine.waits
            update(model, recording, step)
            waits.append(machine.waits - before)
        assert sum(waits) <= 2 * STEPS / 16
        assert max(waits) <= 2  # for rows and for numbers, which arrived long ago


def test_a_checkpoint_has_every_row_on_the_disk(machine, tmp_path):
    model = model_on(machine)
    recording = recorder(tmp_path / "run", model)
    for step in range(1, 40):
        update(model, recording, step)
    recording.state_dict()
    np.testing.assert_array_equal(open_log(tmp_path / "run")["seen"][:], WEIGHTS[:40])
    recording.close()


def test_a_run_that_goes_on_from_a_checkpoint_has_the_log_of_one_that_was_not_interrupted(machine, tmp_path):
    model = model_on(machine)
    recording = recorder(tmp_path / "run", model)
    state = recording.state_dict()
    for step in range(1, 50):
        update(model, recording, step)
        state = state if step > 20 else recording.state_dict()
    recording.close("interrupted")

    again = Recorder(tmp_path / "run", {}, quantities=[SEEN], on_error="raise", resume=True)
    again.load_state_dict(state)
    model.weight.data.copy_(WEIGHTS[20])
    with again.attach(model):
        for step in range(21, STEPS):
            update(model, again, step)
    np.testing.assert_array_equal(open_log(tmp_path / "run")["seen"][:], WEIGHTS)


@pytest.mark.parametrize("run", [every(1), every(4)])
def test_series_of_own_schedules_arrive_at_their_steps(machine, tmp_path, run):
    model = model_on(machine)
    rare = Quantity("rare", ("neuron", "dim"), SEEN.measure, schedule=every(7))
    options = {"quantities": [SEEN, rare], "on_error": "raise", "schedule": run}
    with Recorder(tmp_path / "run", {}, **options).attach(model) as recording:
        for step in range(1, STEPS):
            update(model, recording, step)
    log = open_log(tmp_path / "run")
    for name, schedule in (("seen", run), ("rare", every(7))):
        steps = [step for step in range(STEPS) if schedule(step)]
        assert log[name].steps.tolist() == steps
        np.testing.assert_array_equal(log[name][:], WEIGHTS[steps])


def test_a_log_ends_before_what_is_not_finite_though_it_is_seen_a_block_later(machine, tmp_path):
    model, told = model_on(machine), []
    recording = Recorder(tmp_path / "run", {}, quantities=[SEEN], on_error=told.append).attach(model)
    for step in range(1, STEPS):
        model.weight.data.copy_(WEIGHTS[step] if step < 21 else torch.full((2, 3), torch.nan))
        recording.step()
    recording.close()
    log = open_log(tmp_path / "run")
    assert (log.status, log.steps[-1]) == ("diverged", 20)
    assert told == ["run: `seen` is not finite at step 21; the log ends before it, training goes on"]


def test_updates_that_a_graph_captures_are_told_once_and_not_counted(machine, tmp_path):
    model, told = model_on(machine), []
    recording = Recorder(tmp_path / "run", {}, quantities=[SEEN], on_error=told.append).attach(model)
    update(model, recording, 1)
    device = machine.devices[torch.device("cuda", 0)]
    device.captures = True
    orders = len(device.streams[0].orders)
    recording.step()
    recording.log(loss=1.0)
    device.captures = False
    assert len(device.streams[0].orders) == orders
    update(model, recording, 2)
    recording.close()
    assert open_log(tmp_path / "run").steps.tolist() == [0, 1, 2]
    assert [text.split(":")[1] for text in told] == [" an update could not be recorded, first at step 1"]


def test_stacked_runs_are_recorded_each_in_its_log(machine, tmp_path):
    seen = Quantity("seen", ("run", "dim"), lambda state: state.parameters["weight"])
    paths, manifests = [tmp_path / "a", tmp_path / "b"], [Manifest("a", ()), Manifest("b", ())]
    weight, waits = machine.put(WEIGHTS[0]), []
    with StackedRecorder(paths, {}, manifests, quantities=[seen]) as recording:
        for step in range(STEPS):
            before = machine.waits
            weight.copy_(WEIGHTS[step])
            recording.step(step, {"weight": weight})
            recording.log(step, {"loss": weight[:, 0]})
            waits.append(machine.waits - before)
    assert sum(waits[1:]) <= 2 * STEPS / 16
    for run, path in enumerate(paths):
        np.testing.assert_array_equal(open_log(path)["seen"][:], WEIGHTS[:, run])
        assert open_log(path).scalars().loss.tolist() == WEIGHTS[:, run, 0].tolist()


def test_numbers_of_a_stacked_run_that_diverged_are_in_its_log(machine, tmp_path):
    seen = Quantity("seen", ("run", "dim"), lambda state: state.parameters["weight"])
    weight = machine.put(WEIGHTS[0])
    with StackedRecorder([tmp_path / "a"], {}, [Manifest("a", ())], quantities=[seen]) as recording:
        for step in range(20):
            weight.copy_(WEIGHTS[step] if step < 9 else torch.full((2, 3), torch.nan))
            recording.step(step, {"weight": weight[:1]})
            recording.log(step, {"loss": machine.put(WEIGHTS[step, :1, 0])})
    log = open_log(tmp_path / "a")
    assert (log.status, log.steps[-1]) == ("diverged", 8)
    assert log.scalars().loss.tolist() == WEIGHTS[:20, 0, 0].tolist()


on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


def trained(device, path=None, steps=100):
    """A model after some steps of training, recorded where there is a path; and no step waits for the GPU."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(1)).to(device)
    seen = Quantity("seen", ("neuron", "dim"), lambda state: state.parameters["0.weight"])
    recording = path and Recorder(path, {}, quantities=[seen], on_error="raise").attach(model, optimizer)
    torch.cuda.set_sync_debug_mode("error" if device == "cuda" else "default")
    try:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(inputs).square().mean()
            loss.backward()
            if recording:
                recording.log(loss=loss)
            optimizer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    if recording:
        recording.close()
    return [parameter.detach().cpu() for parameter in model.parameters()]


@on_gpu
def test_on_a_gpu_weights_are_the_same_to_the_bit_and_no_step_waits(tmp_path):
    recorded, alone = trained("cuda", tmp_path / "run"), trained("cuda")
    assert all(torch.equal(one, other) for one, other in zip(recorded, alone, strict=True))


@on_gpu
def test_on_a_gpu_the_log_is_that_of_the_host_to_rounding(tmp_path):
    trained("cuda", tmp_path / "gpu")
    trained("cpu", tmp_path / "cpu")
    there, here = open_log(tmp_path / "gpu"), open_log(tmp_path / "cpu")
    assert there.steps.tolist() == here.steps.tolist()
    np.testing.assert_allclose(there["seen"][:], here["seen"][:], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(there.scalars().loss, here.scalars().loss, rtol=1e-4)


@on_gpu
def test_on_a_gpu_the_last_row_is_the_weight_at_the_end(tmp_path):
    recorded = trained("cuda", tmp_path / "run", steps=37)
    np.testing.assert_array_equal(open_log(tmp_path / "run")["seen"][-1:][0], recorded[0])


@on_gpu
def test_on_a_gpu_a_captured_graph_is_left_alone_and_its_replays_are_recorded_by_hand(tmp_path):
    weight = torch.zeros(4, device="cuda")
    model = nn.Module()
    model.weight = nn.Parameter(weight)
    seen, told = Quantity("seen", ("dim",), lambda state: state.parameters["weight"]), []
    with Recorder(tmp_path / "run", {}, quantities=[seen], on_error=told.append).attach(model) as recording:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            model.weight.data.add_(1)
            recording.step()
        for _ in range(40):
            graph.replay()
            recording.step()
    assert open_log(tmp_path / "run")["seen"][:].tolist() == [[float(step)] * 4 for step in range(41)]
    assert len(told) == 1
