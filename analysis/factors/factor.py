r"""What runs differ in most: the leading factor of their margins on one class's samples.

M[run, sample] is the margin, the own class's logit less the largest other. Every run's row is standardised, since a
run of larger logits would else be a factor by itself; then the mean of every column, how hard the sample is for all
runs, is taken off. Of the singular value decomposition of what is left the right vector says which view a sample
shows, the left one what each run prefers; which side is called which is one free bit, and what all runs prefer alike
cannot be seen.

All but the sample's coordinate rests on the Gram matrix of the rows alone. Letters: r, q = run, s = set of runs.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Factor", "factor", "gram", "leading", "reliability", "share", "standardised", "two_means", "upper"]

_SPLITS = 32  # of the runs into halves
_LEAST_IN_HALF = 2  # runs; of one alone nothing is left once the mean is off
_ROUNDING = 1e-12  # of sums of products of standardised rows


@dataclass(frozen=True, eq=False)
class Factor:
    """The leading factor of a class.

    Attributes:
        runs: What each run prefers, ``(run,)``, in standard deviations of its margins.
        samples: The coordinate of each sample, ``(sample,)``, of variance 1.
        share: The factor's share of what runs differ in.
    """

    runs: NDArray[np.float64]
    samples: NDArray[np.float64]
    share: float

    def __neg__(self) -> "Factor":
        return Factor(-self.runs, -self.samples, self.share)


def standardised(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rows with mean 0 and standard deviation 1, ``(..., run, sample)``; zeros for a row that is constant.

    Example:
        >>> standardised(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist()
        [[-1.0, 1.0], [0.0, 0.0]]
    """
    centred = rows - rows.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)

    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred, dtype=np.float64), where=spread > 0))


def gram(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean products of standardised rows, their correlations, ``(..., run, run)``."""
    return np.asarray(rows @ np.swapaxes(rows, -1, -2) / rows.shape[-1])


def leading(products: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return weights of the rows, the square of the leading singular value and its share, column means taken off.

    Args:
        products: Gram matrices, ``(..., run, run)``.

    Returns:
        Weights ``(..., run)`` of norm 1 and sum 0; value and share ``(...)``, the share 0 where nothing is left.

    Example:
        >>> weights, value, part = leading(np.diag([1.0, 1.0, 0.0]))
        >>> abs(weights).round(2).tolist(), float(part.round(2))
        ([0.71, 0.71, 0.0], 0.75)
    """
    count = products.shape[-1]
    centring = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(centring @ products @ centring)
    total = np.trace(centring @ products, axis1=-2, axis2=-1)
    first = np.maximum(values[..., -1], 0)

    return vectors[..., -1], first, np.divide(first, total, out=np.zeros_like(first), where=total > _ROUNDING)


def factor(rows: NDArray[np.float64]) -> Factor:
    """Return the leading factor of standardised rows ``(run, sample)``; the run that differs most is above.

    Example:
        >>> found = factor(standardised(np.array([[0.0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 1, 0]])))
        >>> found.samples.round(6).tolist(), found.runs.round(2).tolist()
        ([1.0, -1.0, 1.0, -1.0], [-0.67, -0.67, 1.33])
    """
    weights, value, part = leading(gram(rows))
    size = float(np.sqrt(value))
    samples = weights @ (rows - rows.mean(axis=0)) / size if value > _ROUNDING else np.zeros(rows.shape[1])
    found = Factor(weights * size, samples, float(part))

    return found if found.runs[np.abs(found.runs).argmax()] >= 0 else -found


def share(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the leading factor's share of what runs differ in, ``(...)``, from Gram matrices ``(..., run, run)``."""
    return leading(products)[2]


def reliability(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how alike two halves of the runs see the samples: the size of the correlation of their coordinates.

    The mean over up to 32 ways to halve the runs; no number below four runs. Of coordinates that have nothing in common
    it is above 0, since a coordinate has no sign: compare with a reference.

    Args:
        products: Gram matrices, ``(..., run, run)``.

    Returns:
        ``(...)``, between 0 and 1.

    Example:
        >>> view = np.array([1.0, 1, -1, -1])  # of three ways to halve these runs, one has those that prefer the same
        >>> float(reliability(np.outer(view, view)).round(3))
        0.667
    """
    first, second = _halves(products.shape[-1])
    if first.shape[1] < _LEAST_IN_HALF:
        return np.full(products.shape[:-2], np.nan)
    one, size, _ = leading(_block(products, first, first))
    other, another, _ = leading(_block(products, second, second))

    common = np.einsum("...sr,...srq,...sq->...s", one, _block(products, first, second), other)
    scale = np.sqrt(size * another)
    found = np.abs(np.divide(common, scale, out=np.zeros_like(common), where=scale > _ROUNDING))
    return np.asarray(np.minimum(found, 1).mean(axis=-1))


def _halves(runs: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return different ways to halve the runs, ``(way, run)`` twice; of an odd number one is left out at random."""
    draw = np.random.default_rng(0)
    half = runs // 2
    every = [(0, *rest) for rest in combinations(range(1, 2 * half), half - 1)] if runs <= 10 else []
    if 0 < len(every) <= _SPLITS and runs == 2 * half:
        ways = np.array([[*one, *sorted({*range(runs)} - {*one})] for one in every])
    else:
        ways = np.array([draw.permutation(runs)[: 2 * half] for _ in range(_SPLITS)])

    return ways[:, :half], ways[:, half:]


def _block(products: NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(products[..., rows[:, :, None], columns[:, None, :]])


def two_means(coordinates: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the share of a coordinate's variance that lies between its two best clusters; 2 / pi of a normal one.

    Args:
        coordinates: ``(..., sample)``.

    Returns:
        ``(...)``, between 0 and 1.

    Example:
        >>> two_means(np.array([[-1.0, -1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0]])).tolist()
        [1.0, 0.8]
    """
    ordered = np.sort(coordinates - coordinates.mean(axis=-1, keepdims=True), axis=-1)
    between, total = _between(ordered).max(axis=-1, initial=0), (ordered**2).sum(axis=-1)

    return np.asarray(np.divide(between, total, out=np.zeros_like(between), where=total > 0))


def upper(coordinate: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which samples lie in the upper one of the two best clusters of a coordinate, ``(sample,)``.

    Example:
        >>> upper(np.array([0.9, -1.0, 1.1, -0.8, 1.0])).tolist()
        [True, False, True, False, True]
    """
    ordered = np.sort(coordinate)
    place = int(_between(ordered - ordered.mean()).argmax())

    return np.asarray(coordinate > ordered[place])


def _between(ordered: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the squares between two clusters of an ordered, centred coordinate, for every place to part it."""
    count = ordered.shape[-1]
    below = np.arange(1, count)

    return np.asarray(np.cumsum(ordered, axis=-1)[..., :-1] ** 2 * count / (below * (count - below)))
