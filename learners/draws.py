"""What initialisation draws, for several runs at once: every number follows from a seed and its purpose.

Axes: s = run, i = class, r = neuron.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from probes.learners.streams import Purpose, stream

__all__ = ["normal"]


def normal(shape: tuple[int, ...], groups: Sequence[Sequence[int]], purpose: Purpose, *numbers: int) -> Tensor:
    """Return N(0, 1) for every member of every run, ``(..., run, class, neuron)``, members one after the other.

    Args:
        shape: ``(..., class, neuron)`` of one member.
        groups: Each run's seeds, one a member.
        purpose: What is drawn.
        numbers: What else tells this draw from others of the same purpose.

    Example:
        >>> both, second = normal((2, 3), [(0,), (1,)], "weights"), normal((2, 3), [(1,)], "weights")
        >>> both.shape, torch.equal(both[1], second[0])
        (torch.Size([2, 2, 3]), True)
    """
    runs = [
        torch.cat([torch.randn(shape, generator=stream(purpose, seed, *numbers)) for seed in group], -1)
        for group in groups
    ]

    return torch.stack(runs, -3)
