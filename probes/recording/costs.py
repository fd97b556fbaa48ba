"""What recording a model will take on the disk, known before the first step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from probes.measuring import Pending
from probes.models import Parameters
from probes.quantities import Chosen, Quantity, State, Tapped, tapped
from probes.schedules import Schedule, every

__all__ = ["Cost", "costs"]


@dataclass(frozen=True)
class Cost:
    """What one series takes.

    Attributes:
        series: Its name.
        shape: Its axes and their lengths, for one step.
        step_bytes: Bytes of one recorded step, before compression.
        bytes: Of all steps at which it is recorded, before compression, which leaves about half to three quarters.

    Example:
        >>> Cost("conv1.weight", {"neuron": 64, "feature": 10}, 2560, 2_562_560).bytes
        2562560
    """

    series: str
    shape: Mapping[str, int]
    step_bytes: int
    bytes: int


def costs(
    taps: Mapping[Chosen, Tapped],
    model: torch.nn.Module,
    *,
    steps: int,
    quantities: Sequence[Quantity] = (),
    schedule: Schedule = every(1),  # noqa: B008 - frozen
    null: bool = True,
) -> tuple[Cost, ...]:
    """What a `Recorder` of the same taps, quantities and schedule would write, series by series.

    Everything is measured once, so that a tap that does not fit is an error here and not an hour later.

    Args:
        taps: As for the `Recorder`.
        model: The model.
        steps: Number of updates.
        quantities: As for the `Recorder`.
        schedule: As for the `Recorder`; a quantity may have one of its own.
        null: As for the `Recorder`.

    Raises:
        UsageError: a tap chooses no parameter or does not fit it.

    Example:
        >>> from probes import Directions
        >>> from probes.quantities import Largest, Tap
        >>> directions = Directions(torch.eye(64))
        >>> taps = {"weight": [directions, Tap(directions, reduction=Largest(), suffix=".largest")]}
        >>> for cost in costs(taps, torch.nn.Linear(64, 1000), steps=10_000):
        ...     print(f"{cost.series:19} {cost.bytes / 1e6:8,.1f} MB")
        weight               2,560.3 MB
        weight.largest           2.6 MB
        weight.null              2.6 MB
        weight.largest.null      2.6 MB
    """
    parameters = Parameters(model)
    pending = Pending([*tapped(taps, parameters, null=null), *quantities])
    remembered = [quantity.state() for quantity in quantities]
    pending.measure(State(0, parameters, model))
    for quantity, state in zip(quantities, remembered, strict=True):
        quantity.restore(state)
    schedules = [schedule if quantity.schedule is None else quantity.schedule for quantity in pending.quantities]
    rows = {each: 1 + sum(map(each, range(1, steps + 1))) for each in schedules}

    return tuple(
        Cost(one.name, dict(zip(one.dims, one.shape, strict=True)), one.row_bytes, rows[each] * one.row_bytes)
        for one, each in zip(pending.series, schedules, strict=True)
    )
