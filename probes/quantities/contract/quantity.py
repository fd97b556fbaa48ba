"""The one contract of everything that is recorded as a series: a function of the state, with declared axes and unit."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch

from probes.log.layout import Series
from probes.log.stored_directions import StoredDirections
from probes.quantities.contract.memory import Remembering
from probes.quantities.contract.probe_batch import ProbeBatch
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["Batch", "Quantity", "State"]


Batch = Callable[[Mapping[str, torch.Tensor], torch.Tensor], Callable[[], object]]


@dataclass(frozen=True)
class Quantity:
    """A function of the state with a name and declared axes; any function of a user's own becomes one like this.

    Attributes:
        name: Name of the recorded series.
        dims: Name of every axis of what ``measure`` returns, without ``step``.
        measure: The computation. It must neither change the state nor draw random numbers. One that remembers
            something from look to look has methods ``state_dict`` and ``load_state_dict``, as a module of torch's has:
            checkpoints carry what it remembers.
        dtype: How values are stored: ``"<f4"``, ``"<f8"`` or ``"<i8"``.
        unit: Unit of the values; ``"1"`` for a plain number.
        labels: For an axis of ``dims``, what its entries are called.
        directions: Those that the values belong to, stored with the run.
        reads: Names of the parameters, where these alone decide the values. Small ones are copied then, and the values
            of several steps computed one after the other later, which disturbs a training less.
        batch: Called once with what ``reads`` names and with room for the values, both with an axis ``step`` in front;
            returns a function that fills the room in one operation, where there is one whose values for a step do not
            depend on its place.
        precision: ``"bits:12"`` keeps so many bits of each mantissa; default all of them.
        quantity: What kind of thing it is, such as ``"correlation"`` or ``"norm"``; free text, stored with the run.
        split: Called with the terms of the loss and their state before an update, by `Recorder.split`.
        schedule: At which steps it is measured, beside step 0; default, at those of the recorder.
        probe_batches: Those that it evaluates the model on; what they hold is described in run.json.

    Example:
        >>> largest = Quantity("largest", (), lambda state: state.parameters["weight"].abs().max())
        >>> largest(State(step=0, parameters={"weight": torch.tensor([[1.0, -3.0]])}))
        tensor(3.)
    """

    name: str
    dims: tuple[str, ...]
    measure: Callable[[State], torch.Tensor]
    dtype: str = "<f4"
    unit: str = "1"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    directions: StoredDirections | None = None
    reads: tuple[str, ...] = ()
    batch: Batch | None = None
    precision: str = ""
    quantity: str = ""
    split: Callable[[Mapping[str, torch.Tensor], State], object] | None = None
    schedule: Schedule | None = None
    probe_batches: tuple[ProbeBatch, ...] = ()

    @property
    def remembers(self) -> bool:
        """Whether it has a state of its own."""
        return isinstance(self.measure, Remembering)

    def state(self) -> Any:
        """What it remembers, a copy; None if it does not."""
        return deepcopy(self.measure.state_dict()) if isinstance(self.measure, Remembering) else None

    def restore(self, state: Any) -> None:
        """Have it remember what `state` gave."""
        if isinstance(self.measure, Remembering):
            self.measure.load_state_dict(deepcopy(state))

    def __call__(self, state: State) -> torch.Tensor:
        """The values at ``state``, axes ``dims``."""
        return self.measure(state)

    def series(self, shape: tuple[int, ...]) -> Series:
        """How values of ``shape`` are declared in a run's manifest; a ValueError where the axes do not fit."""
        facts = {"unit": self.unit, "precision": self.precision, "quantity": self.quantity}
        facts["schedule"] = "" if self.schedule is None else str(self.schedule)
        return Series(self.name, self.dims, shape, dtype=self.dtype, labels=self.labels, **facts)
