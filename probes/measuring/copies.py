"""Copies of small parameters, of which what they alone decide is computed later, many steps together."""

from collections.abc import Mapping

import torch

from probes.errors import UsageError

__all__ = ["Copies"]

_ALIGNMENT = 64  # bytes
_MOST_COPIED = 2**18  # bytes of parameters a step; to copy larger ones costs as much as what is computed of them


class Copies:
    """Small parameters as they were at the steps that wait; none where one of them is large or on a device.

    Args:
        parameters: As they are now.
        capacity: Steps that may wait.

    Example:
        >>> weight = torch.ones(2)
        >>> copies = Copies({"weight": weight}, 1)
        >>> copies.kept(0, {"weight": weight})
        True
        >>> _ = weight.zero_()
        >>> copies.at(0)["weight"]
        tensor([1., 1.])
    """

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
        """Those of a step."""
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
