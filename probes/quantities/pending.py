"""Measured steps that wait where they were computed, so that a device is asked for many of them at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.errors import UsageError
from probes.log.layout import Series
from probes.log.stored_directions import StoredDirections
from probes.quantities.quantity import Quantity, State
from probes.quantities.ring import Ring
from probes.quantities.transfer import Lane

__all__ = ["Pending", "all_finite"]

_MOST_STEPS, _MOST_BYTES, _MOST_SECONDS = 16, 2**22, 1.0
_ALIGNMENT = 64  # bytes
_MOST_COPIED = 2**18  # bytes of parameters a step; to copy larger ones costs as much as what is computed of them
_DTYPES = {"<f4": torch.float32, "<f8": torch.float64, "<i8": torch.int64}


class Pending:
    """The latest steps of some quantities, on the device of the parameters until they are taken out together.

    A step costs no synchronisation and as few operations as can be: in the middle of a training each of them finds
    the processor's caches full of other things, and takes several times as long as in a row of sixteen. So small
    parameters are copied, and what they alone decide is computed when the steps are taken out. Steps that a device
    computed go to the host a block at a time, while it computes the next (`probes.quantities.ring`).

    A quantity that cannot be measured any more ends alone: its values are NaN from there on, of integers the smallest.

    Args:
        quantities: What is measured.
        ended: Called with the name of such a quantity, the step and the error; default, the error is raised.

    Example:
        >>> from probes.quantities.norm import weight_norm
        >>> pending = Pending([weight_norm("weight")])
        >>> for step in range(2):
        ...     pending.measure(State(step, {"weight": torch.tensor([[3.0, 4.0 * step]])}))
        >>> steps, arrays = pending.taken()
        >>> steps, arrays["weight.norm"].tolist()
        ([0, 1], [[3.0], [5.0]])
    """

    def __init__(
        self, quantities: Sequence[Quantity], ended: Callable[[str, int, Exception], object] | None = None
    ) -> None:
        self.quantities = tuple(quantities)
        self._report = ended
        self._gone: set[int] = set()  # numbers of the quantities that have ended
        self._numbered = tuple(enumerate(quantities))
        self._prompt = tuple((number, quantity) for number, quantity in self._numbered if not quantity.reads)
        self._steps: list[int] = []
        self._ring = Ring([], [], 0)
        self._values = self._ring.values  # of each quantity, axes (waiting step, *quantity.dims)
        self._rows = self._ring.rows  # of the same memory
        self.lanes: tuple[Lane, ...] = ()  # the devices' ways to the host; none where the host computes
        self._capacity = 0
        self._copies = _Copies()
        self._batches: dict[int, Callable[[], object]] = {}  # of quantities by number, what fills their room at once
        self._late: list[int] = []  # places of the steps whose parameters have been copied
        self._taken_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether steps that wait should be taken out: there is no place for more, or the last time is a second ago."""
        waiting = len(self._steps)
        return waiting > 0 and (waiting == self._capacity or time.monotonic() - self._taken_at > _MOST_SECONDS)

    @property
    def capturing(self) -> bool:
        """Whether a device keeps what it is told in a graph now, instead of doing it; then nothing can be measured."""
        return any(lane.capturing() for lane in self.lanes)

    @property
    def series(self) -> tuple[Series, ...]:
        """How the quantities are declared in a run's manifest, once a step has been measured."""
        pairs = zip(self.quantities, self._values, strict=True)
        return tuple(quantity.series(tuple(values.shape[1:])) for quantity, values in pairs)

    @property
    def directions(self) -> dict[str, StoredDirections]:
        """Those of every quantity that has some, by series."""
        return {one.name: one.directions for one in self.quantities if one.directions is not None}

    @property
    def ended(self) -> set[str]:
        """Names of the quantities that have ended."""
        return {self.quantities[number].name for number in self._gone}

    def measure(self, state: State) -> None:
        """Let the quantities at ``state`` wait, in their stored dtype; a step that was the last to wait, anew.

        Raises:
            ValueError: a quantity has another shape than at its first step, and nobody is told of its end.
        """
        if self._steps and self._steps[-1] == state.step:
            self._steps.pop()
            if self._late and self._late[-1] == len(self._steps):
                self._late.pop()
        place = len(self._steps)
        copied = self._copies.kept(place, state.parameters)
        if self._prompt or not copied:
            if not self._values:
                self._begin(state)
                copied = self._copies.kept(place, state.parameters)  # and computed again, like all others
            else:
                for number, quantity in self._prompt if copied else self._numbered:
                    self._measure(place, number, quantity, state)
        if copied:
            self._late.append(place)
        self._steps.append(state.step)

    def split(self, terms: Mapping[str, torch.Tensor], state: State) -> None:
        """Hand the terms of a loss to every quantity that asks for them.

        Raises:
            UsageError: a quantity expects others.
        """
        for quantity in self.quantities:
            if quantity.split is not None:
                quantity.split(terms, state)

    def taken(self, *, wait: bool = True) -> tuple[list[int], dict[str, NDArray[Any]]]:
        """The waiting steps and their values on the host, ``(step, *quantity.dims)``, which wait no longer.

        The arrays hold until the next call of `measure`.

        Args:
            wait: Whether a device is waited for. If not, steps that it computed only go on their way to the host, and
                come out with a later call.
        """
        steps, self._steps, self._taken_at = self._steps, [], time.monotonic()
        late, self._late = self._late, []
        for number, quantity in enumerate(self.quantities if late else ()):
            if number in self._batches and len(late) == len(steps):
                self._batches[number]()
            elif quantity.reads:
                for place in late:
                    self._put(place, number, quantity(State(steps[place], self._copies.at(place))))

        self._ring.send(steps)
        taken, arrays = self._ring.arrived(wait=wait)
        self._values, self._rows = self._ring.values, self._ring.rows
        return taken, {quantity.name: array for quantity, array in zip(self.quantities, arrays, strict=True)}

    def _begin(self, state: State) -> None:
        """Measure for the first time, to know the shapes; what does not fit now is a mistake, and raised."""
        values = [quantity(state) for quantity in self.quantities]
        self._make_room(values, state)
        for number, value in enumerate(values):
            self._put(0, number, value)

    def _measure(self, place: int, number: int, quantity: Quantity, state: State) -> None:
        if number not in self._gone:
            try:
                self._put(place, number, quantity(state))
            except Exception as error:
                if self._report is None:
                    raise
                self._gone.add(number)
                self._report(quantity.name, state.step, error)
        if number in self._gone:
            row = self._rows[number][place]
            row.fill_(torch.nan if row.is_floating_point() else torch.iinfo(row.dtype).min)

    def _put(self, place: int, number: int, value: torch.Tensor) -> None:
        row = self._rows[number][place]
        if value.shape != row.shape:
            raise ValueError(_other_shape(self.quantities[number], row, value))
        row.copy_(value.detach())

    def _make_room(self, measured: Sequence[torch.Tensor], state: State) -> None:
        pairs = list(zip(self.quantities, measured, strict=True))
        step_bytes = sum(value.numel() * int(quantity.dtype[-1]) for quantity, value in pairs)
        self._capacity = max(1, min(_MOST_STEPS, _MOST_BYTES // max(1, step_bytes)))
        self._ring = Ring(measured, [_DTYPES[quantity.dtype] for quantity in self.quantities], self._capacity)
        self._values, self._rows = self._ring.values, self._ring.rows
        self.lanes = tuple(self._ring.lanes.values())
        # In one order everywhere: processes that hold parts of a parameter put it together at each look.
        read = dict.fromkeys(name for quantity in self.quantities for name in quantity.reads)
        self._copies = _Copies({name: state.parameters[name] for name in read}, 0 if self.lanes else self._capacity)
        self._batches = {
            number: quantity.batch(self._copies.stacked, self._values[number])
            for number, quantity in self._numbered
            if quantity.batch is not None and self._copies.stacked
        }


class _Copies:
    """Small parameters as they were at the steps that wait; none where one of them is large or on a device."""

    def __init__(self, parameters: Mapping[str, torch.Tensor] | None = None, capacity: int = 0) -> None:
        values = parameters or {}
        small = sum(value.nbytes for value in values.values()) <= _MOST_COPIED
        on_host = all(value.device.type == "cpu" for value in values.values())
        places = range(capacity if small and on_host else 0)
        self.stacked = {name: _aligned(capacity, value) for name, value in values.items() if places}  # axis step first
        rooms = [[(name, values[place]) for name, values in self.stacked.items()] for place in places]
        self._places = [[(name, room, room.shape, room.dtype) for name, room in pairs] for pairs in rooms]
        self._ended = not places

    def kept(self, place: int, parameters: Mapping[str, torch.Tensor]) -> bool:
        """Whether the parameters have been copied; no longer once one of them is not what it was at first."""
        if self._ended:
            return False
        for name, room, shape, dtype in self._places[place]:
            value = _found(parameters, name)
            if value is None or value.shape != shape or value.dtype is not dtype or not value.is_cpu:
                self._ended = True
                return False
            room.copy_(value)
        return True

    def at(self, place: int) -> Mapping[str, torch.Tensor]:
        return {name: room for name, room, *_ in self._places[place]}


def _found(parameters: Mapping[str, torch.Tensor], name: str) -> torch.Tensor | None:
    """The parameter, or None where it can no longer be read; the quantities that do find out why."""
    try:
        return parameters[name]
    except UsageError:
        return None


def _aligned(count: int, like: torch.Tensor) -> torch.Tensor:
    """Zeros ``(count, *like.shape)``, each one aligned alike, so that all are computed with to the same bits."""
    room = -(-like.nbytes // _ALIGNMENT) * _ALIGNMENT // like.itemsize
    return torch.zeros(count, room, dtype=like.dtype)[:, : like.numel()].view(count, *like.shape)


def all_finite(array: NDArray[Any], *, axes: int) -> NDArray[np.bool_]:
    """Where along its first ``axes`` axes an array has no NaN and no infinite value along the others.

    Example:
        >>> all_finite(np.array([[1.0, 2.0], [np.nan, 2.0]]), axes=1)
        array([ True, False])
    """
    finite: NDArray[np.bool_] = np.isfinite(array).all(axis=tuple(range(axes, array.ndim)))
    return finite


def _other_shape(quantity: Quantity, row: torch.Tensor, value: torch.Tensor) -> str:
    shapes = tuple(row.shape), tuple(value.shape)
    return f"expected `{quantity.name}` of shape {shapes[0]} as at its first step, got {shapes[1]}"
