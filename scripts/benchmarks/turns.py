"""Fair timing: the contestants take turns, so that a busy machine slows all alike."""

import time
from collections.abc import Callable, Sequence
from statistics import median

__all__ = ["interleaved", "ratios"]


def interleaved(
    contestants: Sequence[Callable[[], None]], *, rounds: int = 5, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return each contestant's median seconds; a first round, which warms up, is not counted.

    Every second round goes the other way round, so that none always comes after the same one.
    """
    times: list[list[float]] = [[] for _ in contestants]
    for round_ in range(rounds + 1):
        for index, run in list(enumerate(contestants))[:: -1 if round_ % 2 else 1]:
            seconds = _seconds(run, clock)
            if round_:
                times[index].append(seconds)

    return [median(values) for values in times]


def ratios(
    bare: Callable[[], None],
    contestants: Sequence[Callable[[], None]],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, list[float]]:
    """Return the median seconds of a bare turn, and each contestant's median ratio to the two bare turns around it.

    A machine that others use as well is faster in one second than in the next: turns of some milliseconds, one after
    the other, see it alike. A first round, which warms up, is not counted.
    """
    alone: list[float] = []
    quotients: list[list[float]] = [[] for _ in contestants]
    before = _seconds(bare, clock)
    for round_ in range(rounds + 1):
        for own, run in zip(quotients, contestants, strict=True):
            between, after = _seconds(run, clock), _seconds(bare, clock)
            if round_:
                own.append(2 * between / (before + after))
                alone.append(after)
            before = after

    return median(alone), [median(own) for own in quotients]


def _seconds(run: Callable[[], None], clock: Callable[[], float]) -> float:
    began = clock()
    run()
    return clock() - began
