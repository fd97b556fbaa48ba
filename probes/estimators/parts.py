"""What dictionary learning and NMF share: rows in memory, three fits (all, and each half), parts in order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.directions import Directions
from probes.estimators.reading import Reading
from probes.estimators.sampling import sampled
from probes.estimators.stability import BEST_MATCH, determined, unit

__all__ = ["Fit", "directions_of_parts"]

Fit = Callable[[NDArray[np.float64]], NDArray[Any]]  # rows (row, dim) to parts (feature, dim)


def directions_of_parts(
    fit: Fit, reading: Reading, *, estimator: str, features: int, most: int, seed: int, nonnegative: bool = False
) -> Directions:
    """The unit directions of the parts that a fit finds, the one that most of the data lie along first.

    Args:
        fit: Finds ``features`` parts in rows whose mean square is 1.
        reading: The data.
        estimator: Name and settings.
        features: How many parts.
        most: How many rows are kept in memory.
        seed: Which rows are kept.
        nonnegative: Whether no part has a negative entry.

    Raises:
        TypeError: the data are of another kind than the reading takes.
        ValueError: there are fewer rows than parts, the data are zero, or fewer parts are found.

    Example:
        >>> reading = Reading(torch.tensor([[0.0, 2.0], [3.0, 0.0], [0.0, 1.0], [3.0, 0.0]]))
        >>> parts = directions_of_parts(lambda rows: np.eye(2), reading, estimator="", features=2, most=9, seed=0)
        >>> parts.vectors
        tensor([[1., 0.],
                [0., 1.]])
    """
    if features < 1:
        raise ValueError(f"expected at least one of `features`, got {features}")
    rows = sampled(reading, most=most, seed=seed)
    count, scale = len(rows.values), float(rows.values.square().sum(1).mean().sqrt())
    if count < features:
        raise ValueError(f"expected at least as many rows as `features` ({features}), got {count}; take more data")
    if scale == 0:
        raise ValueError("expected data that are not all zero")

    vectors, first, second = (
        _parts(fit, each / scale, features) for each in (rows.values, *(rows.of_half(h).values for h in (0, 1)))
    )
    stability = BEST_MATCH(first, second, seed=seed, nonnegative=nonnegative)
    return Directions(
        determined(vectors, "take fewer features, or more data"),
        ("feature",),
        facts={"estimator": estimator, **reading.facts, "rows": count, **stability},
    )


def _parts(fit: Fit, rows: Tensor, features: int) -> Tensor:
    """Unit parts ``(feature, dim)``; zeros where there are too few rows to find any."""
    if len(rows) < features:
        return rows.new_zeros(features, rows.shape[1])

    parts = unit(torch.from_numpy(np.asarray(fit(rows.numpy()), dtype=np.float64)))
    along = rows @ parts.T
    # The sign of a part is free; large values are its own, small ones are noise and other parts.
    parts = parts * torch.where(along.pow(3).sum(0) < 0, -1.0, 1.0).to(parts).unsqueeze(1)
    return parts[along.square().sum(0).argsort(descending=True, stable=True)]
