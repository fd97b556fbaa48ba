"""What a quantity remembers from look to look, as checkpoints carry it and a resumed run goes on with it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

from probes.errors import UsageError
from probes.quantities.contract.state import State

__all__ = ["Memories", "Memory", "Remembering"]


@runtime_checkable
class Remembering(Protocol):
    """A computation that has a state of its own, with the two methods that a module or an optimizer has for it."""

    def state_dict(self) -> Any:
        """What it remembers: tensors, numbers and texts, in dictionaries and lists, as `torch.save` takes them."""

    def load_state_dict(self, state: Any, /) -> object:
        """Remember that instead."""


class _Copied(NamedTuple):
    original: torch.Tensor
    version: int  # when it was copied
    copy: torch.Tensor


class Memory:
    """Looks of a computation that remembers; a step that is looked at twice counts once.

    Args:
        measure: The computation, a `Remembering`.

    Example:
        >>> class Count:
        ...     looks = 0
        ...
        ...     def __call__(self, state):
        ...         self.looks += 1
        ...         return torch.tensor(self.looks)
        ...
        ...     def state_dict(self):
        ...         return {"looks": self.looks}
        ...
        ...     def load_state_dict(self, state):
        ...         self.looks = state["looks"]
        >>> memory = Memory(Count())
        >>> [int(memory(State(step, {}))) for step in (0, 5, 5)]
        [1, 2, 2]
        >>> memory.at(5), memory.at(4)
        ({'looks': 2}, {'looks': 1})
    """

    def __init__(self, measure: Any) -> None:
        self._measure = measure
        self._step = -1  # of the latest look
        self._before: Any = None  # what was remembered before it
        self._known: dict[int, _Copied] = {}  # tensors in that, by identity

    def __call__(self, state: State) -> torch.Tensor:
        """The values at a state; one of the same step as the look before takes its place."""
        if state.step == self._step:
            self._measure.load_state_dict(deepcopy(self._before))
        else:
            known, self._known = self._known, {}
            self._step, self._before = state.step, self._copy(self._measure.state_dict(), known)
        values: torch.Tensor = self._measure(state)
        return values

    def _copy(self, value: Any, known: Mapping[int, "_Copied"]) -> Any:
        """A copy; a tensor that has not changed since the look before is not copied again, as most do not."""
        match value:
            case torch.Tensor():
                found = known.get(id(value))
                if found is None or found.original is not value or found.version != value._version:  # noqa: SLF001
                    found = _Copied(value, value._version, value.detach().clone())  # noqa: SLF001
                self._known[id(value)] = found
                return found.copy
            case Mapping():
                return {key: self._copy(each, known) for key, each in value.items()}
            case list():
                return [self._copy(each, known) for each in value]
        return deepcopy(value)

    def at(self, step: int) -> Any:
        """What is remembered after so many updates, a copy; a look ahead of them is not in it."""
        return deepcopy(self._before if self._step > step else self._measure.state_dict())

    def load(self, state: Any) -> None:
        """Go on from what `at` gave."""
        self._measure.load_state_dict(deepcopy(state))
        self._step = -1


class Memories(dict[str, Memory]):
    """Those of several quantities by name.

    Example:
        >>> Memories().at(3)
        {}
    """

    def at(self, step: int) -> dict[str, Any]:
        """What they remember after so many updates."""
        return {name: memory.at(step) for name, memory in self.items()}

    def load(self, states: Mapping[str, Any]) -> None:
        """Have them go on from what `at` gave.

        Raises:
            UsageError: the states are not those of these quantities.
        """
        if self.keys() != states.keys():
            wanted, got = (", ".join(sorted(names)) or "none" for names in (self, states))
            raise UsageError(f"expected the state of the quantities that have one, {wanted}, got that of {got}")
        for name, memory in self.items():
            memory.load(states[name])
