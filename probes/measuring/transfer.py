"""Copies from a device to the host that go on beside the device's own work, so that nobody waits for them.

A device works off streams of orders. Copies are ordered on a stream of their own, which waits for what the training's
stream has been given before; an event says when they are done.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from probes.errors import UsageError

__all__ = ["Lane", "lane_of", "refuse_capture"]


class Lane:
    """A device's stream for copies to the host, beside the one that trains.

    Args:
        device: The device.
        module: What torch offers for devices of its type, such as ``torch.cuda``.

    Example:
        >>> lane_of(torch.device("cpu")) is None  # a host has no copies to wait for
        True
    """

    def __init__(self, device: torch.device, module: Any) -> None:
        self._device, self._module = device, module
        self._side = module.Stream(device)

    def room(self, like: torch.Tensor) -> torch.Tensor:
        """Memory of the host, as large as a tensor, that the device can write into while the host does other things."""
        return torch.empty(like.shape, dtype=like.dtype, device="cpu", pin_memory=True)

    def copied(self, sources: Sequence[torch.Tensor], hosts: Sequence[torch.Tensor]) -> Any:
        """Order copies of what the work ordered so far leaves in ``sources``; an event, at which ``hosts`` have it."""
        self._side.wait_stream(self._module.current_stream(self._device))
        with self._module.stream(self._side):
            for source, host in zip(sources, hosts, strict=True):
                host.copy_(source, non_blocking=True)
                source.record_stream(self._side)  # memory that is given up meanwhile is not given away before the copy
            return self._side.record_event()

    def capturing(self) -> bool:
        """Whether what is ordered now is not done but kept in a graph."""
        asked = getattr(self._module, "is_current_stream_capturing", None)
        return asked is not None and bool(asked())


@cache
def lane_of(device: torch.device) -> Lane | None:
    """The lane of a device; None for the host, and where torch has no streams for devices of its type.

    Example:
        >>> lane_of(torch.device("meta")) is None
        True
    """
    module = None if device.type == "cpu" else getattr(torch, device.type, None)
    names = ("Stream", "stream", "current_stream")
    return Lane(device, module) if all(hasattr(module, name) for name in names) else None


def refuse_capture() -> None:
    """Say why what a graph captures is not recorded.

    Raises:
        UsageError: always.

    Example:
        >>> try:
        ...     refuse_capture()
        ... except UsageError as error:
        ...     print(str(error)[:30])
        expected updates that are made
    """
    raise UsageError(
        "expected updates that are made, got one that a CUDA graph captures, whose replays nobody tells of; attach "
        "without an optimizer, and call `step` after each replay"
    )
