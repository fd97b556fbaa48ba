"""The one contract of everything that is recorded as a series: a function of the state, with declared axes and unit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from probes.log.layout import Series
from probes.log.stored_directions import StoredDirections

__all__ = ["Batch", "Quantity", "State"]


class State(NamedTuple):
    """What a quantity may look at.

    Attributes:
        step: Number of completed updates.
        parameters: Parameters by name as they are now, outside the autograd graph; to be read, never written.
        model: The model that is recorded; None for stacked parameters.

    Example:
        >>> State(step=0, parameters={"weight": torch.ones(2)}).parameters["weight"]
        tensor([1., 1.])
    """

    step: int
    parameters: Mapping[str, torch.Tensor]
    model: torch.nn.Module | None = None


Batch = Callable[[Mapping[str, torch.Tensor], torch.Tensor], Callable[[], object]]


@dataclass(frozen=True)
class Quantity:
    """A function of the state with a name and declared axes; any function of a user's own becomes one like this.

    Attributes:
        name: Name of the recorded series.
        dims: Name of every axis of what ``measure`` returns, without ``step``.
        measure: The computation. It must neither change the state nor draw random numbers.
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

    def __call__(self, state: State) -> torch.Tensor:
        """The values at ``state``, axes ``dims``."""
        return self.measure(state)

    def series(self, shape: tuple[int, ...]) -> Series:
        """How values of ``shape`` are declared in a run's manifest; a ValueError where the axes do not fit."""
        facts = {"unit": self.unit, "precision": self.precision, "quantity": self.quantity}
        return Series(self.name, self.dims, shape, dtype=self.dtype, labels=self.labels, **facts)
