import random

import numpy as np
import pytest
import torch

from probes.measuring import Pending
from probes.measuring.transfer import Lane
from probes.quantities import Quantity, State
from tests.probes.measuring.devices import Machine

STEPS = 70
WEIGHTS = torch.randn(STEPS, 3, 2, generator=torch.Generator().manual_seed(0))
CHANCES = [(seed, eager) for seed in range(20) for eager in (0.0, 0.1, 0.5, 1.0)]


def quantity(name, dtype="<f4"):
    return Quantity(name, ("neuron", "dim"), lambda state: state.parameters[name], dtype=dtype)


def rows(machine, quantities=1, *, every=1):
    """What comes out of a training that goes on on devices, and how often the host waited in each step."""
    steps, values, waits = [], [], []
    with machine:
        weights = {f"w{number}": machine.put(WEIGHTS[0], number) for number in range(quantities)}
        pending = Pending([quantity(name) for name in weights])
        for step in range(STEPS):
            before = machine.waits
            for weight in weights.values():
                weight.copy_(WEIGHTS[step])
            if step % every == 0:
                pending.measure(State(step, weights))
            if pending.due:
                taken, arrays = pending.taken(wait=False)
                steps, values = [*steps, *taken], [*values, *np.stack([*arrays.values()], 1).copy()]
            waits.append(machine.waits - before)
        taken, arrays = pending.taken()
    return [*steps, *taken], [*values, *np.stack([*arrays.values()], 1)], waits


@pytest.mark.parametrize("quantities", [1, 2])
def test_values_are_those_of_their_steps_in_whatever_order_devices_work(monkeypatch, quantities):
    for seed, eager in CHANCES:
        steps, values, _ = rows(Machine(monkeypatch, random.Random(seed), eager), quantities)
        assert steps == list(range(STEPS))
        expected = np.stack([WEIGHTS.numpy()] * quantities, 1)
        np.testing.assert_array_equal(np.stack(values), expected, f"seed {seed}, eager {eager}")


@pytest.mark.parametrize("quantities", [1, 2])
def test_the_host_asks_for_a_block_when_the_next_is_full_and_never_between(monkeypatch, quantities):
    _, _, waits = rows(Machine(monkeypatch, random.Random(0)), quantities)
    assert waits == [quantities if step in {31, 47, 63} else 0 for step in range(STEPS)]


def test_steps_come_out_a_block_late_and_all_of_them_at_the_end(monkeypatch):
    came = []
    with Machine(monkeypatch, random.Random(0)) as machine:
        weight, pending = machine.put(WEIGHTS[0]), Pending([quantity("w")])
        for step in range(40):
            pending.measure(State(step, {"w": weight}))
            if pending.due:
                came.append(pending.taken(wait=False)[0])
        came.append(pending.taken()[0])
    assert came == [[], list(range(16)), list(range(16, 40))]


def test_what_the_host_computes_comes_out_with_what_a_device_does(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        parameters = {"w": machine.put(WEIGHTS[0])}
        pending = Pending([quantity("w"), Quantity("step", (), lambda state: torch.tensor(state.step), dtype="<i8")])
        for step in range(32):
            parameters["w"].copy_(WEIGHTS[step])
            pending.measure(State(step, parameters))
            steps, arrays = pending.taken(wait=False) if pending.due else ([], {})
    assert arrays["step"].tolist() == steps == list(range(16))
    np.testing.assert_array_equal(arrays["w"], WEIGHTS[:16])


def test_nothing_is_asked_for_where_nothing_waits(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        pending = Pending([quantity("w")])
        pending.measure(State(0, {"w": machine.put(WEIGHTS[0])}))
        pending.taken()
        waits = machine.waits
        steps, arrays = pending.taken()
    assert (steps, arrays["w"].shape, machine.waits) == ([], (0, 3, 2), waits)


def test_memory_that_is_copied_is_known_to_be_used_by_the_stream_of_copies(monkeypatch):
    machine = Machine(monkeypatch, random.Random(0))
    rows(machine)
    device = machine.devices[torch.device("cuda", 0)]
    assert {stream for _, stream in machine.used} == {device.streams[1]}
    assert {machine.of(tensor)[0] for tensor, _ in machine.used} == {torch.device("cuda", 0)}


class Hasty(Lane):
    """Copies without waiting for what the training's stream has been given."""

    def copied(self, sources, hosts):
        with self._module.stream(self._side):
            for source, host in zip(sources, hosts, strict=True):
                host.copy_(source, non_blocking=True)
            return self._side.record_event()


class Early(Lane):
    """Says at once that all is there."""

    def copied(self, sources, hosts):
        event = self._side.record_event()
        super().copied(sources, hosts)
        return event


@pytest.mark.parametrize("lane", [Hasty, Early])
def test_the_devices_of_these_tests_find_a_wrong_order(monkeypatch, lane):
    _, values, _ = rows(Machine(monkeypatch, random.Random(0), 0.1, lane))
    assert not np.array_equal(np.stack(values), WEIGHTS[:, None])


def test_the_devices_of_these_tests_find_room_that_is_used_too_early(monkeypatch):
    monkeypatch.setattr("probes.measuring.ring.deque", NeverTurning)
    _, values, _ = rows(Machine(monkeypatch, random.Random(0)))
    assert not np.array_equal(np.stack(values), WEIGHTS[:, None])


class NeverTurning(list):
    """One block for all."""

    def rotate(self):
        pass

    def popleft(self):
        return self.pop(0)


def test_a_graph_that_is_captured_is_noticed(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        pending = Pending([quantity("w")])
        pending.measure(State(0, {"w": machine.put(WEIGHTS[0], 1)}))
        before = pending.capturing
        machine.devices[torch.device("cuda", 1)].captures = True
        assert (before, pending.capturing) == (False, True)
