"""How much of a view the leading factor of a class is: sizes with intervals, beside those of shuffled rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.factors.factor import factor, gram, reliability, share, standardised, two_means

__all__ = ["Size", "Sizes", "blocks", "flat", "jackknifed", "sizes"]

_PERMUTATIONS = 199
_SHUFFLED = 20  # of these, for the means of the sizes of shuffled rows
_BLOCKS = 20
_DEVIATIONS = 1.96  # of a normal distribution, to either end of its central 95 %


class Size(NamedTuple):
    """One size, its 95 % interval over samples, and its mean where every run's samples are shuffled."""

    value: float
    low: float
    high: float
    shuffled: float


class Sizes(NamedTuple):
    """How much of a view the leading factor of a class is.

    Attributes:
        share: Share of what runs differ in.
        reliability: How alike two halves of the runs see the samples.
        two_means: Share of the samples' coordinate that lies between two clusters.
        p_value: Share of the permutations, and of what was measured, whose share is as large.
    """

    share: Size
    reliability: Size
    two_means: Size
    p_value: float


def sizes(rows: NDArray[np.float64], *, seed: int = 0) -> Sizes:
    """Return the sizes of the leading factor of rows, which are standardised.

    Each run's samples are permuted by themselves for the null, a sample with all its parts. Intervals are those of the
    jackknife over 20 blocks of samples: a bootstrap doubles samples, and what is doubled looks like structure.

    Args:
        rows: ``(run, sample)``, or ``(run, sample, part)`` where a sample has several values.
        seed: Of permutations and blocks.

    Example:
        >>> view = np.repeat([1.0, -1.0], 20)
        >>> noise = np.random.default_rng(0).normal(size=(4, 40))
        >>> found = sizes(np.outer([1, 1, -1, -1], view) + 0.1 * noise)
        >>> round(found.share.value, 2), round(found.share.shuffled, 1), found.p_value
        (1.0, 0.4, 0.005)
    """
    draw = np.random.default_rng(seed)
    left = blocks(rows.shape[1], draw)
    shuffled = [flat(_permuted(rows, draw)) for _ in range(_SHUFFLED)]
    few = np.stack([gram(one) for one in shuffled])
    many = [gram(flat(_permuted(rows, draw))) for _ in range(_PERMUTATIONS - _SHUFFLED)]
    null = np.concatenate([few, np.stack(many)])
    products, whole = np.stack([gram(flat(rows[:, one])) for one in left]), gram(flat(rows))

    shares, mine = share(null), factor(flat(rows)).samples
    parts = [mine.reshape(rows.shape[1:])[one].ravel() for one in left]
    coordinates = np.stack([factor(one).samples for one in shuffled])
    found = float(share(whole))
    return Sizes(
        Size(found, *jackknifed(found, share(products)), float(shares.mean())),
        _size(reliability(whole), reliability(products), reliability(few)),
        _size(two_means(mine), np.array([two_means(one) for one in parts]), two_means(coordinates)),
        float((1 + np.sum(shares >= found - 1e-12)) / (1 + _PERMUTATIONS)),
    )


def flat(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rows as standardised ones of one axis, ``(run, sample)``.

    Example:
        >>> flat(np.array([[[0.0, 2.0], [2.0, 0.0]]])).tolist()
        [[-1.0, 1.0, 1.0, -1.0]]
    """
    return standardised(rows.reshape(len(rows), -1))


def blocks(count: int, draw: np.random.Generator) -> list[NDArray[np.intp]]:
    """Return the samples without one block of them, block by block; blocks are random.

    Example:
        >>> [len(one) for one in blocks(40, np.random.default_rng(0))] == 20 * [38]
        True
    """
    parts = np.array_split(draw.permutation(count), min(_BLOCKS, count))

    return [np.setdiff1d(np.arange(count), one) for one in parts]


def jackknifed(value: float, parts: NDArray[np.float64], *, least: float = 0, most: float = 1) -> tuple[float, float]:
    """Return value -+ 1.96 deviations by the jackknife over blocks, within [least, most].

    Example:
        >>> [round(end, 3) for end in jackknifed(0.5, np.array([0.49, 0.51]))]
        [0.48, 0.52]
    """
    reach = _DEVIATIONS * float(np.sqrt((len(parts) - 1) * parts.var()))

    return max(least, value - reach), min(most, value + reach)


def _permuted(rows: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.float64]:
    """Return rows whose samples are permuted, run by run."""
    return np.stack([one[draw.permutation(len(one))] for one in rows])


def _size(value: NDArray[np.float64], parts: NDArray[np.float64], shuffled: NDArray[np.float64]) -> Size:
    return Size(float(value), *jackknifed(float(value), parts), float(shuffled.mean()))
