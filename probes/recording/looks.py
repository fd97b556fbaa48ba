"""The looks that a recorder takes at a model, and what they say of its weights besides what is recorded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.measuring import Pending
from probes.models import Parameters, check_readable
from probes.models.distributed import check_same
from probes.models.modules import parameters
from probes.quantities import Chosen, Quantity, State, Tapped, tapped
from probes.schedules import Schedule

__all__ = ["Looks"]

_TOLERANCE = 1e-5  # of the largest value; one look computes several steps together, another does not


class Looks:
    """Measures the quantities of a model at the steps that are due.

    Args:
        model: The model.
        taps: As for the `Recorder`.
        quantities: As for the `Recorder`.
        null: As for the `Recorder`.
        schedule: Which steps are due.
        ended: Called with name, step and error of a quantity that cannot be measured any more.

    Raises:
        UsageError: a tap chooses no parameter or does not fit it.

    Example:
        >>> from probes import Directions, every
        >>> model = torch.nn.Linear(4, 3)
        >>> looks = Looks(model, {"weight": Directions(torch.eye(4))}, (), null=False, schedule=every(2), ended=print)
        >>> for step in range(3):
        ...     looks.take(step)
        >>> steps, _ = looks.pending.taken()
        >>> steps
        [0, 2]
    """

    def __init__(
        self,
        model: torch.nn.Module,
        taps: Mapping[Chosen, Tapped],
        quantities: Sequence[Quantity],
        *,
        null: bool,
        schedule: Schedule,
        ended: Callable[[str, int, Exception], object],
    ) -> None:
        self._model, self._schedule = model, schedule
        self.parameters = Parameters(model)
        self.pending = Pending([*tapped(taps, self.parameters, null=null), *quantities], ended)
        for name in self._read():
            check_readable(name, self.parameters.value(name))

    def check_same(self, step: int) -> None:
        """Refuse processes that would look at different things; a UsageError."""
        if self.parameters.sharded:
            recorded = [one.name + (f", {one.schedule}" if one.schedule else "") for one in self.pending.quantities]
            check_same("taps, schedule and step", (recorded, str(self._schedule), step))

    def take(self, step: int) -> None:
        """Measure if the step is due; a step that waits already is measured again."""
        if self._schedule.always or step == 0 or self._schedule(step):
            self.pending.measure(self.state(step))
        elif self.pending.asks(step):
            self.pending.measure_own(self.state(step))

    def state(self, step: int) -> State:
        """What a quantity may look at."""
        return State(step, self.parameters, self._model)

    def trained(self) -> set[int]:
        """Identities of the parameters that the quantities read, or of all if some quantity may read any."""
        names = self._read()
        if not names or any(not quantity.reads for quantity in self.pending.quantities):
            return {id(parameter) for parameter in parameters(self._model)}
        return {id(parameter) for name in names for parameter in self.parameters.leaves(name)}

    def finite(self) -> bool:
        """Whether every parameter that is trained is finite now."""
        return all(
            bool(parameter.isfinite().all())
            for parameter in parameters(self._model)
            if parameter.requires_grad and not parameter.is_meta
        )

    def differs(self, step: int, values: Mapping[str, NDArray[Any]]) -> bool:
        """Whether what parameters alone decide has other values now than at a step."""
        if self.parameters.sharded:  # all processes would have to look
            return False
        state = self.state(step)
        read = [one for one in self.pending.quantities if one.reads and one.name not in self.pending.ended]
        read = [one for one in read if one.name in values and not one.remembers and np.isfinite(values[one.name]).all()]
        return not all(_close(values[one.name], one(state)) for one in read)

    def _read(self) -> list[str]:
        return list(dict.fromkeys(name for quantity in self.pending.quantities for name in quantity.reads))


def _close(values: NDArray[Any], others: torch.Tensor) -> bool:
    largest = np.abs(values).max(initial=0.0)
    now = others.detach().to("cpu", torch.float64).numpy()
    return bool(np.allclose(values, now, rtol=_TOLERANCE, atol=_TOLERANCE * largest))
