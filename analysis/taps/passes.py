"""One pass over a log, whatever its size: which rows are read together, and the statistics of each such stretch."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.taps.null import OwnClassNull, RandomDirections
from probes.analysis.taps.statistics import Extremes, Statistics, sizes, statistics
from probes.analysis.taps.tap import Tap
from probes.log.layout import Series
from probes.log.protocol import LogLike
from probes.log.rows import Rows

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "Measured",
    "blocks",
    "chosen",
    "computed",
    "extremes_of",
    "measured",
    "parts_of",
    "stretches",
]

# Large enough that a block is worth its calls, small enough that its copies stay in cache and out of other runs' way.
BLOCK_BYTES = 8 * 2**20

# Steps of a stored chunk, which are unpacked together: so many are read at once even where that is more than a block.
_CHUNK_STEPS = 256
_MOST_BYTES = 64 * 2**20


class Block(NamedTuple):
    """Rows of an own-class tap: which is the first, their correlations, and their statistics."""

    start: int
    correlations: NDArray[np.floating]
    statistics: Statistics


class Measured(NamedTuple):
    """The statistics of some steps of any tap, each ``(step, feature)``, beside what random directions reach."""

    strength: NDArray[np.floating]
    peak: NDArray[np.floating]
    neuron: NDArray[np.integer]
    null: NDArray[np.float64]  # of the strength
    null_peak: NDArray[np.float64]


def stretches(log: LogLike, series: Series) -> list[tuple[int, int]]:
    """Return the rows, from and below, that are read together: of one file each, and whole chunks of it.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> stretches(log, log.series["correlations"])
        [(0, 401)]
    """
    span = _span(series.row_bytes)
    schedule = log.manifest.schedules.get(series.name)
    ends = np.cumsum([0, *([len(part.steps_of(schedule)) for part in parts_of(log)] or [len(log.steps)])]).tolist()
    found = [(start, min(start + span, stop)) for first, stop in pairwise(ends) for start in range(first, stop, span)]

    return found or [(0, 0)]


def parts_of(log: LogLike) -> Sequence[Rows]:
    """Return a log's stretches as they are stored, in order; none where a log of another kind does not say."""
    found: Sequence[Rows] = getattr(log, "parts", list)()

    return found


def blocks(log: LogLike, tap: Tap) -> Iterator[Block]:
    """Yield all rows of an own-class tap in order, each once.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> [block.statistics.strength.shape for block in blocks(log, taps_of(log)["correlations"])]
        [(401, 6, 2)]
    """
    values, null = log[tap.name], OwnClassNull(log, tap)

    for start, stop in stretches(log, log.series[tap.name]):
        read = tap.sizes(values[start:stop])
        found = Statistics(*statistics(read), null.threshold(np.arange(start, stop), read))
        yield Block(start, read, found)


def computed(log: LogLike, tap: Tap, rows: NDArray[np.integer]) -> Iterator[Statistics]:
    """Yield the statistics of chosen rows of an own-class tap, rising; of no rows an empty block of their shape.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> [found.peak.shape for found in computed(log, taps_of(log)["correlations"], np.array([0, 400]))]
        [(2, 6, 2)]
    """
    null = OwnClassNull(log, tap)
    for inside, read in _read(log, tap, rows):
        yield Statistics(*statistics(read), null.threshold(inside, read))


def measured(log: LogLike, tap: Tap, rows: NDArray[np.integer]) -> Iterator[Measured]:
    """Yield the statistics of chosen rows of any other tap, rising; of no rows an empty block of their shape.

    Where the recording has reduced all units, a feature's value is its strength, and it has no peak (NaN).

    Example:
        >>> from probes.log import Manifest, memory_log
        >>> series = Series("w", ("neuron", "feature"), (2, 3))
        >>> log = memory_log(Manifest("a", (series,)), [0], {"w": np.ones((1, 2, 3))})
        >>> tap = Tap("w", ("neuron",), (2,), ("feature",), (3,))
        >>> [found.strength.tolist() for found in measured(log, tap, np.array([0]))]
        [[[2.0, 2.0, 2.0]]]
    """
    null = RandomDirections(log, tap)
    for inside, read in _read(log, tap, rows):
        strength, peak, neuron = sizes(read)
        if not tap.units:
            peak = np.full_like(peak, np.nan)
        levels = null.levels(inside)
        yield Measured(strength, peak, neuron, *(level[:, None] * tap.norms for level in levels))


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


def extremes_of(log: LogLike, tap: Tap) -> Extremes:
    """Return the extremes of every correlation of a run with at least one step, read in one pass.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[-1]
        >>> extremes_of(log, taps_of(log)["correlations"]).largest.shape
        (6, 6, 6, 2)
    """
    values = log[tap.name]
    pieces = (tap.sizes(values[start:stop]) for start, stop in stretches(log, log.series[tap.name]))

    return reduce(Extremes.joined, map(Extremes.of, pieces))


def _read(
    log: LogLike, tap: Tap, rows: NDArray[np.integer]
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.floating]]]:
    """Yield chosen rows, rising, with their values as `Tap.sizes` gives them, a stretch at a time."""
    values = log[tap.name]
    for _, inside in chosen(rows, stretches(log, log.series[tap.name])):
        first, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        yield inside, tap.sizes(values[first:stop][inside - first])


def _span(row_bytes: int) -> int:
    """Return how many rows are read at once: a power of two, as a chunk has, so that none is unpacked twice."""
    wanted = 1 << max(0, (BLOCK_BYTES // row_bytes).bit_length() - 1)

    return wanted if wanted >= _CHUNK_STEPS or _CHUNK_STEPS * row_bytes > _MOST_BYTES else _CHUNK_STEPS
