"""Statistics and extremes of a run, computed in one pass over its log and kept beside it, or taken from there.

A log of several blocks is summarised the first time that more than a few of its steps are asked for. What is kept is
never more than a quarter of the log (4/(m k) of it; a narrower log is not kept), and counts for the log as it was: see
`probes.analysis.taps.summary_file`. Nothing is kept of a run that is being recorded, in memory or damaged, nor where
the folder cannot be written: then the log itself is read each time, a block at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import disk_usage

import numpy as np
from numpy.typing import NDArray

from probes.analysis.facts import correlation_series
from probes.analysis.taps.passes import blocks, chosen, computed, extremes_of, stretches
from probes.analysis.taps.statistics import Extremes, Statistics
from probes.analysis.taps.summary_file import Kept, key_of, opened, write
from probes.logs.layout import SUMMARIES
from probes.logs.protocol import LogLike

__all__ = ["extremes", "summarise", "summarised"]

# So many steps of a run are read from the log without a look at all others; a rule's window takes 16, a race's ends 2.
_FEW = 32
# Correlations of one feature, m k, from which on its summary is worth its bytes, 4/(m k) of the log's.
_LEAST_WIDTH = 16


def summarised(log: LogLike, rows: NDArray[np.integer]) -> Iterator[Statistics]:
    """Yield the statistics of chosen rows, rising, in blocks; of a log without rows an empty block of their shape.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> [found.peak.shape for found in summarised(example_study()[0], np.array([0, 400]))]
        [(2, 6, 2)]
    """
    with _kept(log, make=len(rows) > _FEW) as kept:
        if kept is None:
            yield from computed(log, rows)
            return
        for span, inside in chosen(rows, kept.spans):
            found = kept.statistics(span)
            if found is None:
                _forget(log)
                yield from computed(log, inside)
            else:
                yield Statistics(*(array[inside - span[0]] for array in found))


def summarise(log: LogLike) -> bool:
    """Return whether the summaries of a run are kept, after computing them where they are not there.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> summarise(example_study()[0])  # a log in memory
        False
    """
    with _kept(log, make=True) as kept:
        return kept is not None


def extremes(log: LogLike) -> Extremes:
    """Return the extremes of every correlation of a run with at least one step.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> found = extremes(example_study()[-1])
        >>> bool((found.smallest <= found.first).all()), found.largest.shape
        (True, (6, 6, 6, 2))
    """
    with _kept(log, make=True) as kept:
        found = kept.extremes() if kept else None
        if kept and found is None:
            _forget(log)

    return found or extremes_of(log)


@contextmanager
def _kept(log: LogLike, *, make: bool) -> Iterator[Kept | None]:
    """Yield what is kept of a run; where there is none, after making it, if it is to be made and can be."""
    key = key_of(log) if _is_worth_keeping(log) else None
    if key is None:
        yield None
        return

    with opened(log, key) as kept:
        if kept or not make:
            yield kept
            return
    if not (_has_room(log) and write(log, key, blocks(log))):
        yield None
        return
    with opened(log, key) as kept:
        yield kept


def _is_worth_keeping(log: LogLike) -> bool:
    series = correlation_series(log)
    wide = series.shape[1] * series.shape[2] >= _LEAST_WIDTH

    return wide and len(stretches(log, series)) > 1 and log.status != "recording" and not log.faults


def _has_room(log: LogLike) -> bool:
    """Whether the disk has twice the bytes of the summaries: a log may be recorded there, too."""
    series = correlation_series(log)
    values = (4 * len(log.steps) + 4 * series.shape[1] * series.shape[2]) * series.shape[0] * series.shape[-1]
    try:
        return disk_usage(log.path).free > 2 * values * int(series.dtype[-1])
    except OSError:
        return False


def _forget(log: LogLike) -> None:
    """Delete what is damaged, so that it is made anew."""
    with suppress(OSError):
        (log.path / SUMMARIES).unlink(missing_ok=True)
