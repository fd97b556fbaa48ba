"""Statistics and extremes of a run, computed in one pass over its log and kept beside it, or taken from there.

A log of several blocks is summarised the first time that more than a few of its steps are asked for. What is kept is
never more than a quarter of the log (5/(m k) of it; a narrower log is not kept), and counts for the log as it was: see
`probes.analysis.taps.summary_file`. Nothing is kept of a run that is being recorded, in memory or damaged, nor where
the folder cannot be written: then the log itself is read each time, a block at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import disk_usage

import numpy as np
from numpy.typing import NDArray

from probes.analysis.taps.passes import blocks, chosen, computed, extremes_of, stretches
from probes.analysis.taps.statistics import Extremes, Statistics
from probes.analysis.taps.summary_file import Kept, key_of, opened, write
from probes.analysis.taps.tap import Tap
from probes.log.layout import SUMMARIES
from probes.log.protocol import LogLike

__all__ = ["extremes", "summarise", "summarised"]

# So many steps of a run are read from the log without a look at all others; a rule's window takes 16, a race's ends 2.
_FEW = 32
# Correlations of one feature, m k, from which on its summary is worth its bytes, 5/(m k) of the log's.
_LEAST_WIDTH = 20


def summarised(log: LogLike, tap: Tap, rows: NDArray[np.integer]) -> Iterator[Statistics]:
    """Yield the statistics of chosen rows, rising, in blocks; of a log without rows an empty block of their shape.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> [found.peak.shape for found in summarised(log, taps_of(log)["correlations"], np.array([0, 400]))]
        [(2, 6, 2)]
    """
    with _kept(log, tap, make=len(rows) > _FEW) as kept:
        if kept is None:
            yield from computed(log, tap, rows)
            return
        for span, inside in chosen(rows, kept.spans):
            found = kept.statistics(span)
            if found is None:
                _forget(log)
                yield from computed(log, tap, inside)
            else:
                yield Statistics(*(array[inside - span[0]] for array in found))


def summarise(log: LogLike, tap: Tap) -> bool:
    """Return whether the summaries of a run are kept, after computing them where they are not there.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[0]
        >>> summarise(log, taps_of(log)["correlations"])  # a log in memory
        False
    """
    with _kept(log, tap, make=True) as kept:
        return kept is not None


def extremes(log: LogLike, tap: Tap) -> Extremes:
    """Return the extremes of every correlation of a run with at least one step.

    Example:
        >>> from probes.analysis.taps.tap import taps_of
        >>> from probes.analysis.theory.example import example_study
        >>> log = example_study()[-1]
        >>> found = extremes(log, taps_of(log)["correlations"])
        >>> bool((found.smallest <= found.first).all()), found.largest.shape
        (True, (6, 6, 6, 2))
    """
    with _kept(log, tap, make=True) as kept:
        found = kept.extremes() if kept else None
        if kept and found is None:
            _forget(log)

    return found or extremes_of(log, tap)


@contextmanager
def _kept(log: LogLike, tap: Tap, *, make: bool) -> Iterator[Kept | None]:
    """Yield what is kept of a run; where there is none, after making it, if it is to be made and can be."""
    key = key_of(log, tap) if _is_worth_keeping(log, tap) else None
    if key is None:
        yield None
        return

    with opened(log, tap, key) as kept:
        if kept or not make:
            yield kept
            return
    if not (_has_room(log, tap) and write(log, tap, key, blocks(log, tap))):
        yield None
        return
    with opened(log, tap, key) as kept:
        yield kept


def _is_worth_keeping(log: LogLike, tap: Tap) -> bool:
    series, shape = log.series[tap.name], tap.own_shape
    wide = shape[1] * shape[2] >= _LEAST_WIDTH

    return wide and len(stretches(log, series)) > 1 and log.status != "recording" and not log.faults


def _has_room(log: LogLike, tap: Tap) -> bool:
    """Whether the disk has twice the bytes of the summaries: a log may be recorded there, too."""
    series, (classes, neurons, _, views) = log.series[tap.name], tap.own_shape
    values = (5 * len(log.steps) + 4 * neurons * classes) * classes * views
    try:
        return disk_usage(log.path).free > 2 * values * int(series.dtype[-1])
    except OSError:
        return False


def _forget(log: LogLike) -> None:
    """Delete what is damaged, so that it is made anew."""
    with suppress(OSError):
        (log.path / SUMMARIES).unlink(missing_ok=True)
