"""One pass over a log, whatever its size: which rows are read together, and the statistics of each such stretch."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.facts import correlation_series
from probes.analysis.taps.null import Chance
from probes.analysis.taps.statistics import Extremes, Statistics, statistics
from probes.logs.layout import Series
from probes.logs.protocol import LogLike

__all__ = ["BLOCK_BYTES", "Block", "blocks", "chosen", "computed", "extremes_of", "parts_of", "stretches"]

# Large enough that a block is worth its calls, small enough that its copies stay in cache and out of other runs' way.
BLOCK_BYTES = 8 * 2**20

# Steps of a stored chunk, which are unpacked together: so many are read at once even where that is more than a block.
_CHUNK_STEPS = 256
_MOST_BYTES = 64 * 2**20


class Block(NamedTuple):
    """Rows that are in memory: which is the first, their correlations, and their statistics."""

    start: int
    correlations: NDArray[np.floating]
    statistics: Statistics


def stretches(log: LogLike, series: Series) -> list[tuple[int, int]]:
    """Return the rows, from and below, that are read together: of one file each, and whole chunks of it.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> stretches(log, log.series["correlations"])
        [(0, 401)]
    """
    span = _span(series.row_bytes)
    ends = np.cumsum([0, *([len(part) for part in parts_of(log)] or [len(log.steps)])]).tolist()
    found = [(start, min(start + span, stop)) for first, stop in pairwise(ends) for start in range(first, stop, span)]

    return found or [(0, 0)]


def parts_of(log: LogLike) -> Sequence[Sized]:
    """Return a log's stretches as they are stored, in order; none where a log of another kind does not say."""
    found: Sequence[Sized] = getattr(log, "parts", list)()

    return found


def blocks(log: LogLike) -> Iterator[Block]:
    """Yield all rows of a run in order, each once.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [block.statistics.strength.shape for block in blocks(example_study()[0])]
        [(401, 6, 2)]
    """
    series = correlation_series(log)
    values, chance = log[series.name], Chance(log, series)

    for start, stop in stretches(log, series):
        read = values[start:stop]
        found = Statistics(*statistics(read), chance.threshold(np.arange(start, stop), read))
        yield Block(start, read, found)


def computed(log: LogLike, rows: NDArray[np.integer]) -> Iterator[Statistics]:
    """Yield the statistics of chosen rows, rising; of a log without rows an empty block, which has their shape.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [found.peak.shape for found in computed(example_study()[0], np.array([0, 400]))]
        [(2, 6, 2)]
    """
    series = correlation_series(log)
    values, chance = log[series.name], Chance(log, series)

    for _, inside in chosen(rows, stretches(log, series)):
        first, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        read = values[first:stop][inside - first]
        yield Statistics(*statistics(read), chance.threshold(inside, read))


def chosen(
    rows: NDArray[np.integer], spans: Iterable[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], NDArray[np.integer]]]:
    """Yield each span that holds some of the rows, which rise, and those; the span from 0 on also without any.

    Example:
        >>> [inside.tolist() for _, inside in chosen(np.array([5, 6, 30]), [(0, 10), (10, 20), (20, 40)])]
        [[5, 6], [30]]
    """
    for start, stop in spans:
        low, high = np.searchsorted(rows, (start, stop))
        if low < high or start == 0:
            yield (start, stop), rows[low:high]


def extremes_of(log: LogLike) -> Extremes:
    """Return the extremes of every correlation of a run with at least one step, read in one pass.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> extremes_of(example_study()[-1]).largest.shape
        (6, 6, 6, 2)
    """
    series = correlation_series(log)
    values = log[series.name]

    return reduce(Extremes.joined, (Extremes.of(values[start:stop]) for start, stop in stretches(log, series)))


def _span(row_bytes: int) -> int:
    """Return how many rows are read at once: a power of two, as a chunk has, so that none is unpacked twice."""
    wanted = 1 << max(0, (BLOCK_BYTES // row_bytes).bit_length() - 1)

    return wanted if wanted >= _CHUNK_STEPS or _CHUNK_STEPS * row_bytes > _MOST_BYTES else _CHUNK_STEPS
