"""Margins: by how much the own class's logit is the largest."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["margins"]


def margins(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the own class's logit less the largest other one, ``(sample,)``; no number where a logit is none.

    Args:
        logits: ``(sample, class)``, two classes or more.
        labels: ``(sample,)``.

    Example:
        >>> margins(np.array([[2.0, 0.5, 1.0], [0.0, 3.0, 1.0]]), np.array([0, 2])).tolist()
        [1.0, -2.0]
    """
    places = np.arange(len(labels))
    others = np.array(logits, dtype=np.float64)
    own = others[places, labels].copy()
    others[places, labels] = -np.inf

    with np.errstate(invalid="ignore"):  # of two infinite ones it is no number
        return np.asarray(own - others.max(axis=1))
