"""Logits of what was stored as outputs: probabilities are recognised by their sums and become their logarithms."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["are_probabilities", "as_logits"]

# By how much the sum of rounded probabilities may differ from 1: each of bfloat16 is off by 1 part in 256 at most.
_ROUNDING = 2.0**-7


def are_probabilities(outputs: NDArray[np.floating]) -> bool:
    """Return whether outputs are probabilities: none below 0, every row with the sum 1, and not all of them 0 or 1.

    Args:
        outputs: ``(sample, class)``.

    Example:
        >>> are_probabilities(np.array([[0.2, 0.8]])), are_probabilities(np.array([[3.0, -2.0]]))
        (True, False)
    """
    values = np.asarray(outputs)
    if values.size == 0 or not (values >= 0).all() or not (np.abs(values.sum(axis=1) - 1) <= _ROUNDING).all():
        return False

    return bool(((values > 0) & (values < 1)).any())


def as_logits(outputs: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return outputs as logits: of probabilities their logarithms, which are the logits but for a number per sample.

    A probability of 0 counts as the smallest that its type can hold, so that no margin is infinite.

    Args:
        outputs: ``(sample, class)``.

    Example:
        >>> as_logits(np.array([[0.25, 0.75]])).round(2).tolist(), as_logits(np.array([[2.0, 1.0]])).tolist()
        ([[-1.39, -0.29]], [[2.0, 1.0]])
    """
    values = np.asarray(outputs)
    if not are_probabilities(values):
        return values

    return np.asarray(np.log(np.maximum(values, np.finfo(values.dtype).tiny)))
