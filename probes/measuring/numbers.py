"""Logged numbers that wait on their devices, so that one is asked for many of them at once."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import torch

from probes.measuring.transfer import Lane, lane_of

__all__ = ["Logged", "Numbers"]

_MOST, _MOST_SECONDS = 16, 1.0

Logged = Mapping[str, float | torch.Tensor]
Key = TypeVar("Key")  # a step, and what else they belong to


class Numbers(Generic[Key]):
    """Numbers by name, which stay on their device until many of them are copied to the host together.

    Example:
        >>> numbers = Numbers()
        >>> numbers.add(3, {"loss": torch.tensor(0.5), "rate": 0.1})
        >>> numbers.taken()
        [(3, {'loss': tensor(0.5000), 'rate': 0.1})]
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Key, Logged]] = []
        self._sent: deque[tuple[list[tuple[Key, Logged]], list[Any]]] = deque()  # and the events that end their way
        self._taken_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether those that wait should be taken out: they are many, or the last time is a second ago."""
        return len(self._waiting) >= _MOST or time.monotonic() - self._taken_at > _MOST_SECONDS

    def add(self, key: Key, numbers: Logged) -> None:
        """Let the numbers of a step wait; their tensors must not change any more."""
        self._waiting.append((key, numbers))

    def taken(self, *, wait: bool = True) -> list[tuple[Key, Logged]]:
        """What waits, on the host; without ``wait`` what a device has to copy first comes with the next call."""
        waiting, self._waiting, self._taken_at = self._waiting, [], time.monotonic()
        if waiting:
            self._sent.append(_sent(waiting))
        left = 1 if waiting and self._sent[-1][1] and not wait else 0
        found: list[tuple[Key, Logged]] = []
        while len(self._sent) > left:
            numbers, events = self._sent.popleft()
            for event in events:
                event.synchronize()
            found += numbers
        return found


def _sent(waiting: Sequence[tuple[Key, Logged]]) -> tuple[list[tuple[Key, Logged]], list[Any]]:
    """The same with tensors on the host, one copy for all that are alike, and what says that they are there."""
    kinds: dict[tuple[Lane, torch.dtype], list[torch.Tensor]] = {}
    for value in (value for _, numbers in waiting for value in numbers.values()):
        if isinstance(value, torch.Tensor) and (lane := lane_of(value.device)) is not None:
            kinds.setdefault((lane, value.dtype), []).append(value)

    events: list[Any] = []
    places: dict[int, torch.Tensor] = {}
    for (lane, _), values in kinds.items():
        flat = torch.cat([value.flatten() for value in values])
        host = lane.room(flat)
        events.append(lane.copied([flat], [host]))
        parts = host.split([value.numel() for value in values])
        places |= {id(value): part.view(value.shape) for value, part in zip(values, parts, strict=True)}
    moved: list[tuple[Key, Logged]] = [
        (key, {name: places.get(id(value), value) for name, value in numbers.items()}) for key, numbers in waiting
    ]
    return moved, events
