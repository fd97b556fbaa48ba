from dataclasses import replace

import pytest
import torch
from torch import nn

from probes.directions import Directions
from probes.errors import UsageError
from probes.log import open_log
from probes.quantities import Largest, OwnClass, Tap, distance_from_start, weight_norm
from probes.recording import Recorder
from probes.recording.costs import costs
from probes.schedules import every, first

MODEL = nn.Sequential(nn.Linear(12, 5), nn.Linear(5, 2))
DIRECTIONS = Directions(torch.eye(12).reshape(3, 4, 12), ("feature_class", "view"))
TAPS = {"0.weight": [DIRECTIONS, Tap(DIRECTIONS, reduction=Largest(2), suffix=".largest")]}


@pytest.mark.parametrize("schedule", [every(1), every(7), first(3) | every(10)])
def test_costs_are_what_a_recorder_then_writes(tmp_path, schedule):
    rare = replace(weight_norm("0.weight"), schedule=every(9))
    quantities, optimizer = [weight_norm("1.weight"), rare], torch.optim.SGD(MODEL.parameters(), lr=0.1)
    told = costs(TAPS, MODEL, steps=40, quantities=quantities, schedule=schedule)
    with Recorder(tmp_path / "run", TAPS, quantities=quantities, schedule=schedule).attach(MODEL, optimizer):
        for _ in range(40):
            optimizer.step()

    log = open_log(tmp_path / "run")
    assert {cost.series: cost.bytes for cost in told} == {name: log[name][:].nbytes for name in log.series}
    assert [cost.shape for cost in told] == [dict(zip(one.dims, one.shape, strict=True)) for one in log.series.values()]


def test_a_reduction_that_does_not_fit_is_found_before_training():
    with pytest.raises(UsageError, match="expected an axis `class`"):
        costs({"0.weight": Tap(DIRECTIONS, reduction=OwnClass())}, MODEL, steps=1)


def test_what_a_quantity_remembers_is_not_changed_by_the_estimate():
    moved = distance_from_start("0.weight")
    costs({}, MODEL, steps=1, quantities=[moved])

    assert moved.state() == {"start": None}
