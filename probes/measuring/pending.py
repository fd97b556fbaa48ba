"""Measured steps that wait where they were computed, so that a device is asked for many of them at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.log.layout import Series
from probes.log.rows import due
from probes.log.stored_directions import StoredDirections
from probes.measuring.copies import Copies
from probes.measuring.ring import Ring
from probes.measuring.transfer import Lane
from probes.measuring.values import DTYPES, alike, check_values, other_dtype, other_shape
from probes.quantities.contract.memory import Memories, Memory
from probes.quantities.contract.probe_batch import described
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State

__all__ = ["Pending", "all_finite"]

_MOST_STEPS, _MOST_BYTES, _MOST_SECONDS = 16, 2**22, 1.0


class Pending:
    """The latest steps of some quantities, on the device of the parameters until they are taken out together.

    A step costs no synchronisation and as few operations as can be: in the middle of a training each of them finds
    the processor's caches full of other things, and takes several times as long as in a row of sixteen. So small
    parameters are copied, and what they alone decide is computed when the steps are taken out. Steps that a device
    computed go to the host a block at a time, while it computes the next (`probes.measuring.ring`).

    A quantity that has a schedule of its own has a row at the steps that this names, whatever the others have. One that
    cannot be measured any more, or is of another shape or kind of number than at first, ends alone: its values are NaN
    from there on, of integers the smallest.

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
        self._shapes: dict[int, Sequence[int]] = {}  # of those among them that had before the first look
        numbered = tuple(enumerate(quantities))
        self.memories = Memories({one.name: Memory(one.measure) for one in quantities if one.remembers})
        self._probes = tuple({id(one): one for quantity in quantities for one in quantity.probe_batches}.values())
        self.probe_batches = described(self._probes)
        self._own = tuple(pair for pair in numbered if pair[1].schedule is not None)
        self._own_steps: dict[int, list[int]] = {number: [] for number, _ in self._own}  # that wait
        self._numbered = tuple(pair for pair in numbered if pair[1].schedule is None)
        self._late_ones = tuple(pair for pair in self._numbered if pair[1].reads and not pair[1].remembers)
        self._prompt = tuple(pair for pair in self._numbered if pair not in self._late_ones)
        self._dtypes: list[torch.dtype] = []  # of what each quantity returned first
        self._steps: list[int] = []
        self._ring = Ring([], [], 0)
        self._values = self._ring.values  # of each quantity, axes (waiting step, *quantity.dims)
        self._rows = self._ring.rows  # of the same memory
        self.lanes: tuple[Lane, ...] = ()  # the devices' ways to the host; none where the host computes
        self._capacity = 0
        self._copies = Copies()
        self._batches: dict[int, Callable[[], object]] = {}  # of quantities by number, what fills their room at once
        self._late: list[int] = []  # places of the steps whose parameters have been copied
        self._taken_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether steps that wait should be taken out: there is no place for more, or the last time is a second ago."""
        waiting = len(self._steps)
        if self._own:
            waiting = max(waiting, self._most_waiting())
        return waiting > 0 and (waiting == self._capacity or time.monotonic() - self._taken_at > _MOST_SECONDS)

    def _most_waiting(self) -> int:
        """Steps that wait of a quantity that has a schedule of its own; of one without a place left, the capacity."""
        full = any(len(steps) == len(self._values[number]) for number, steps in self._own_steps.items())
        return self._capacity if full else max(map(len, self._own_steps.values()))

    def asks(self, step: int) -> bool:
        """Whether a quantity's own schedule names the step."""
        return any(due(quantity.schedule, [step])[0] for _, quantity in self._own)

    @property
    def begun(self) -> bool:
        """Whether a step has been measured, so that the shapes are known."""
        return bool(self._values)

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
    def ended(self) -> dict[str, tuple[int, ...]]:
        """Names of the quantities that have ended, and the shapes of their values."""
        return {self.quantities[number].name: tuple(self._values[number].shape[1:]) for number in self._gone}

    def end(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Measure the quantities of these names, whose values had these shapes, no more."""
        gone = {number for number, quantity in enumerate(self.quantities) if quantity.name in shapes}
        self._shapes = {number: shapes[self.quantities[number].name] for number in gone}
        self._gone |= gone

    def measure(self, state: State) -> None:
        """Let the quantities at ``state`` wait, in their stored dtype; a step that was the last to wait, anew.

        Of those that have a schedule of their own only the ones that are due, unless it is the first step.

        Raises:
            ValueError: a quantity has another shape than at its first step, and nobody is told of its end.
            TypeError: or another kind of number.
        """
        if self._own and self._values:
            self._measure_own(state)
        if self._steps and self._steps[-1] == state.step:
            self._undo()
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
        for batch in self._probes:
            batch.forget()

    def _undo(self) -> None:
        """Let the last step wait no longer."""
        self._steps.pop()
        if self._late and self._late[-1] == len(self._steps):
            self._late.pop()

    def measure_own(self, state: State) -> None:
        """The same with no others than those whose own schedule names the step; not at the first."""
        self._measure_own(state)
        for batch in self._probes:
            batch.forget()

    def _measure_own(self, state: State) -> None:
        for number, quantity in self._own:
            if due(quantity.schedule, [state.step])[0]:
                steps = self._own_steps[number]
                if steps and steps[-1] == state.step:
                    steps.pop()
                self._measure(len(steps), number, quantity, state)
                steps.append(state.step)

    def split(self, terms: Mapping[str, torch.Tensor], state: State, *, common: bool = True) -> None:
        """Hand the terms of a loss to every quantity that asks for them and is measured after the coming update.

        ``common``: whether those are that have no schedule of their own.

        Raises:
            UsageError: a quantity expects others.
        """
        for quantity in self.quantities:
            named = common if quantity.schedule is None else due(quantity.schedule, [state.step + 1])[0]
            if quantity.split is not None and named:
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
        for number, quantity in self._late_ones if late else ():
            if number in self._batches and len(late) == len(steps):
                self._batches[number]()
            else:
                for place in late:
                    self._measure(place, number, quantity, State(steps[place], self._copies.at(place)))

        self._send(steps)
        taken, arrays = self._ring.arrived(wait=wait)
        self._values, self._rows = self._ring.values, self._ring.rows
        return taken, {quantity.name: array for quantity, array in zip(self.quantities, arrays, strict=True)}

    def _send(self, steps: list[int]) -> None:
        """Have the steps go to the host, with those of the quantities that have schedules of their own."""
        if not self._own:
            self._ring.send(steps)
            return
        own, self._own_steps = self._own_steps, {number: [] for number, _ in self._own}
        counts = [len(own.get(number, steps)) for number in range(len(self.quantities))]
        self._ring.send(sorted({*steps, *chain.from_iterable(own.values())}), counts)

    def _begin(self, state: State) -> None:
        """Measure for the first time, to know the shapes; what does not fit now is a mistake, and raised."""
        values = [self._look(number, quantity, state) for number, quantity in enumerate(self.quantities)]
        for quantity, value in zip(self.quantities, values, strict=True):
            check_values(quantity, value)
        self._dtypes = [value.dtype for value in values]
        self._make_room(values, state)
        for number, value in enumerate(values):
            self._put(0, number, value)
        self._own_steps = {
            number: [state.step] if due(quantity.schedule, [state.step])[0] else [] for number, quantity in self._own
        }

    def _look(self, number: int, quantity: Quantity, state: State) -> torch.Tensor:
        if number in self._shapes:
            return torch.zeros(*self._shapes[number], dtype=DTYPES[quantity.dtype])
        memory = self.memories.get(quantity.name)
        return quantity(state) if memory is None else memory(state)

    def _measure(self, place: int, number: int, quantity: Quantity, state: State) -> None:
        if number not in self._gone:
            try:
                self._put(place, number, self._look(number, quantity, state))
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
        if not isinstance(value, torch.Tensor) or not alike(value.dtype, self._dtypes[number]):
            raise TypeError(other_dtype(self.quantities[number], self._dtypes[number], value))
        if value.shape != row.shape:
            raise ValueError(other_shape(self.quantities[number], tuple(row.shape), value))
        row.copy_(value.detach())

    def _make_room(self, measured: Sequence[torch.Tensor], state: State) -> None:
        pairs = list(zip(self.quantities, measured, strict=True))
        sizes = [value.numel() * int(quantity.dtype[-1]) for quantity, value in pairs]
        common = sum(size for size, quantity in zip(sizes, self.quantities, strict=True) if quantity.schedule is None)
        self._capacity = _rows_of(common)
        of = zip(sizes, self.quantities, strict=True)
        capacities = [self._capacity if quantity.schedule is None else _rows_of(size) for size, quantity in of]
        self._ring = Ring(measured, [DTYPES[quantity.dtype] for quantity in self.quantities], capacities)
        self._values, self._rows = self._ring.values, self._ring.rows
        self.lanes = tuple(self._ring.lanes.values())
        # In one order everywhere: processes that hold parts of a parameter put it together at each look.
        read = dict.fromkeys(name for _, quantity in self._late_ones for name in quantity.reads)
        self._copies = Copies({name: state.parameters[name] for name in read}, 0 if self.lanes else self._capacity)
        self._batches = {
            number: quantity.batch(self._copies.stacked, self._values[number])
            for number, quantity in self._late_ones
            if quantity.batch is not None and self._copies.stacked
        }


def all_finite(array: NDArray[Any], *, axes: int) -> NDArray[np.bool_]:
    """Where along its first ``axes`` axes an array has no NaN and no infinite value along the others.

    Example:
        >>> all_finite(np.array([[1.0, 2.0], [np.nan, 2.0]]), axes=1)
        array([ True, False])
    """
    finite: NDArray[np.bool_] = np.isfinite(array).all(axis=tuple(range(axes, array.ndim)))
    return finite


def _rows_of(size: int) -> int:
    """How many rows of so many bytes wait, at most."""
    return max(1, min(_MOST_STEPS, _MOST_BYTES // max(1, size)))
