"""Room for a block of measured steps where they are computed, and its way to the host."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from probes.measuring.transfer import lane_of

__all__ = ["Ring"]


@dataclass
class _Block:
    """Room for some steps: where they are computed, and on the host; the same room if that is the host."""

    values: list[torch.Tensor]  # of each quantity, axes (waiting step, *quantity.dims)
    hosts: list[torch.Tensor]
    steps: list[int]  # that are on their way
    counts: list[int]  # rows of each quantity at them
    copied: list[Any]  # events at which they have arrived

    def __post_init__(self) -> None:
        self.rows = [values.unbind() for values in self.values]  # of the same memory

    def arrays(self) -> list[NDArray[Any]]:
        """What has been sent, on the host; waits for what is still on its way."""
        for event in self.copied:
            event.synchronize()
        return [host[:count].numpy(force=True) for host, count in zip(self.hosts, self.counts, strict=True)]


class Ring:
    """Room for a block of steps, and for a second one where a device copies the first meanwhile.

    A block is filled again only after the host has waited for its copy, so that the device need not.

    Args:
        like: Values of each quantity at a step, where they are computed.
        dtypes: In which each is stored.
        capacity: Rows that a block has room for, of each quantity or of all.

    Example:
        >>> ring = Ring([torch.zeros(2)], [torch.float32], capacity=3)
        >>> for place in range(2):
        ...     _ = ring.rows[0][place].fill_(place)
        >>> ring.send([5, 7])
        >>> ring.arrived()
        ([5, 7], [array([[0., 0.],
               [1., 1.]], dtype=float32)])
    """

    def __init__(
        self, like: Sequence[torch.Tensor], dtypes: Sequence[torch.dtype], capacity: int | Sequence[int]
    ) -> None:
        capacities = [capacity] * len(dtypes) if isinstance(capacity, int) else capacity
        devices = dict.fromkeys(value.device for value in like)
        self.lanes = {device: lane for device in devices if (lane := lane_of(device)) is not None}
        self._blocks = deque(self._block(like, dtypes, capacities) for _ in range(2 if self.lanes else 1))
        self._sent: deque[_Block] = deque()

    @property
    def values(self) -> list[torch.Tensor]:
        """Room for the steps that come, of each quantity, ``(waiting step, *quantity.dims)``."""
        return self._blocks[0].values

    @property
    def rows(self) -> list[tuple[torch.Tensor, ...]]:
        """The same, step by step."""
        return self._blocks[0].rows

    def send(self, steps: Sequence[int], counts: Sequence[int] | None = None) -> None:
        """Have the first rows go to the host as those of ``steps``; `values` and `rows` are others from then on.

        ``counts``: rows of each quantity, where not all have as many as there are steps.
        """
        if not steps:
            return
        block = self._blocks[0]
        block.steps = list(steps)
        block.counts = [len(steps)] * len(block.values) if counts is None else list(counts)
        block.copied = [lane.copied(*self._on(device, block)) for device, lane in self.lanes.items()]
        self._sent.append(block)
        self._blocks.rotate()

    def arrived(self, *, wait: bool = True) -> tuple[list[int], list[NDArray[Any]]]:
        """Steps that have been sent and their values, all of them or, without ``wait``, all but the latest block's."""
        left = 1 if self.lanes and not wait else 0
        blocks = [self._sent.popleft() for _ in range(len(self._sent) - left)]
        parts = [block.arrays() for block in blocks] or [[host[:0].numpy(force=True) for host in self._blocks[0].hosts]]
        steps = [step for block in blocks for step in block.steps]
        return steps, parts[0] if len(parts) == 1 else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _block(self, like: Sequence[torch.Tensor], dtypes: Sequence[torch.dtype], capacities: Sequence[int]) -> _Block:
        each = zip(like, dtypes, capacities, strict=True)
        values = [torch.empty(count, *value.shape, dtype=dtype, device=value.device) for value, dtype, count in each]
        lanes = [self.lanes.get(one.device) for one in values]
        hosts = [lane.room(one) if lane else one for lane, one in zip(lanes, values, strict=True)]
        return _Block(values, hosts, [], [], [])

    def _on(self, device: torch.device, block: _Block) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The rows that are sent and their places on the host, of what one device computes."""
        each = zip(block.values, block.hosts, block.counts, strict=True)
        there = [(value[:count], host[:count]) for value, host, count in each if count and value.device == device]
        return [value for value, _ in there], [host for _, host in there]
