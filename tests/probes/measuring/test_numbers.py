import random

import pytest
import torch

from probes.measuring import Numbers
from tests.probes.measuring.devices import Machine


def plain(found):
    return [
        (key, {name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in numbers.items()})
        for key, numbers in found
    ]


def test_numbers_come_out_in_the_order_they_went_in():
    numbers = Numbers()
    numbers.add(3, {"loss": torch.tensor(0.5), "rate": 2.0})
    numbers.add(1, {"loss": 0.25})
    assert plain(numbers.taken()) == [(3, {"loss": 0.5, "rate": 2.0}), (1, {"loss": 0.25})]
    assert numbers.taken() == []


def test_numbers_are_due_when_sixteen_wait_or_after_a_second(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    numbers, due = Numbers(), []
    for step in range(16):
        numbers.add(step, {"loss": 0.5})
        due.append(numbers.due)
    assert due == [False] * 15 + [True]

    numbers.taken()
    numbers.add(16, {"loss": 0.5})
    assert not numbers.due
    now[0] += 1.1
    assert numbers.due


def test_numbers_of_the_host_need_no_wait():
    numbers = Numbers()
    numbers.add(0, {"loss": torch.tensor([0.5, 1.0])})
    assert plain(numbers.taken(wait=False)) == [(0, {"loss": [0.5, 1.0]})]


@pytest.mark.parametrize("eager", [0.0, 0.3, 1.0])
def test_numbers_of_a_device_come_with_the_next_call(monkeypatch, eager):
    with Machine(monkeypatch, random.Random(0), eager) as machine:
        numbers, came = Numbers(), []
        for step in range(6):
            numbers.add(step, {"loss": machine.put(torch.tensor([step, 0.5])), "rate": 1.0})
            came.append(plain(numbers.taken(wait=False)))
        came.append(plain(numbers.taken()))
    assert came == [[], *([(step, {"loss": [step, 0.5], "rate": 1.0})] for step in range(6))]


def test_the_host_waits_once_for_all_numbers_of_a_kind(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        numbers, expected = Numbers(), []
        for step in range(5):
            for kind in (torch.float32, torch.int64):
                numbers.add(step, {"one": machine.put(torch.tensor(step, dtype=kind))})
                expected.append((step, {"one": step}))
        found = plain(numbers.taken())
    assert (found, machine.waits) == (expected, 2)


def test_what_has_been_sent_is_not_held_back_where_nothing_new_waits(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        numbers = Numbers()
        numbers.add(0, {"loss": machine.put(torch.tensor(0.5))})
        first, second = plain(numbers.taken(wait=False)), plain(numbers.taken(wait=False))
    assert (first, second) == ([], [(0, {"loss": 0.5})])


def test_later_numbers_never_overtake_earlier_ones(monkeypatch):
    with Machine(monkeypatch, random.Random(0)) as machine:
        numbers = Numbers()
        numbers.add(0, {"loss": machine.put(torch.tensor(0.5))})
        numbers.taken(wait=False)
        numbers.add(0, {"loss": 0.25})
        assert plain(numbers.taken(wait=False)) == [(0, {"loss": 0.5}), (0, {"loss": 0.25})]
