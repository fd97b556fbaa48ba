"""Which of a framework's metrics are recorded."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import torch

__all__ = ["matching"]


def matching(patterns: Iterable[str], metrics: Mapping[str, object]) -> dict[str, float | torch.Tensor]:
    """The numbers among the metrics whose name is one of the patterns, or fits one of them as a glob.

    Example:
        >>> matching(["loss", "val_*"], {"loss": 0.5, "val_accuracy": 0.9, "epoch": 1.0, "val_names": ["a", "b"]})
        {'loss': 0.5, 'val_accuracy': 0.9}
    """
    patterns = tuple(patterns)
    return {
        name: value
        for name, value in metrics.items()
        if (isinstance(value, torch.Tensor) and value.numel() == 1) or isinstance(value, int | float)
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
