"""What initialisation draws: every number follows from a seed and from what it is drawn for.

Axes: s = run, i = class, r = neuron.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["TEST_NOISE", "TRAINING_NOISE", "WEIGHTS", "normal"]

# What a draw is for; the numbers are part of what a seed means.
WEIGHTS, TRAINING_NOISE, TEST_NOISE = 0, 1, 2


def normal(shape: tuple[int, ...], groups: Sequence[Sequence[int]], *stream: int) -> Tensor:
    """Return N(0, 1) for every member of every run, ``(..., run, class, neuron)``, members one after the other.

    Args:
        shape: ``(..., class, neuron)`` of one member.
        groups: Each run's seeds, one a member.
        stream: Numbers that name the draw.

    Example:
        >>> both, second = normal((2, 3), [(0,), (1,)], WEIGHTS), normal((2, 3), [(1,)], WEIGHTS)
        >>> both.shape, torch.equal(both[1], second[0])
        (torch.Size([2, 2, 3]), True)
    """
    runs = [
        torch.cat([torch.randn(shape, generator=_generator(seed, *stream)) for seed in group], -1) for group in groups
    ]

    return torch.stack(runs, -3)


def _generator(seed: int, *stream: int) -> torch.Generator:
    """Return a generator for one purpose of one seed; SeedSequence keeps neighbouring seeds independent."""
    state = np.random.SeedSequence([seed, *stream]).generate_state(1, np.uint64)

    return torch.Generator().manual_seed(int(state[0]) >> 1)
