"""What training records, without training: many values that grow by a power law, race each other and saturate."""

from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["noisy", "trajectories"]

GROUPS = 100


def trajectories(steps: int, shape: tuple[int, ...], *, power: int = 3) -> NDArray[np.float32]:
    """Return values by gradient descent in float32 on dy/dt = s y^(power - 1), ``(step, *shape)``.

    The values of a group share s, the softmax part of their loss that is left: it is 1 until one of them is large,
    then falls with the exponential of their sum. Each group at its own rate ends its race between a tenth and nine
    tenths of the steps; afterwards it creeps, as the logarithm of time.
    """
    random = np.random.default_rng(0)
    now = np.abs(random.normal(0.02, 0.01, (GROUPS, prod(shape) // GROUPS))).astype("f4")
    ends = steps * np.linspace(0.1, 0.9, GROUPS)[:, None]
    rates = (1 / (now.max(1, keepdims=True) * ends)).astype("f4")
    found = np.empty((steps, *shape), "f4")
    for step in range(steps):
        found[step] = now.reshape(shape)
        left = 1 / (1 + np.exp((now**power).sum(1, keepdims=True) - 5))
        now = now + rates * left * now ** (power - 1)
    return found


def noisy(exact: NDArray[np.float32], scale: float = 1e-4) -> NDArray[np.float32]:
    """Return the values with independent relative noise at every step, as of gradients of small batches."""
    random = np.random.default_rng(1)
    return exact * (1 + scale * random.standard_normal(exact.shape, "f4"))
