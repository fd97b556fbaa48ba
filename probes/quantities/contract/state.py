"""What a quantity may look at."""

from collections.abc import Mapping
from typing import NamedTuple

import torch

__all__ = ["State"]


class State(NamedTuple):
    """What a quantity may look at.

    Attributes:
        step: Number of completed updates.
        parameters: Parameters by name as they are now, outside the autograd graph; to be read, never written.
        model: The model that is recorded; None for stacked parameters.

    Example:
        >>> State(step=0, parameters={"weight": torch.ones(2)}).parameters["weight"]
        tensor([1., 1.])
    """

    step: int
    parameters: Mapping[str, torch.Tensor]
    model: torch.nn.Module | None = None
