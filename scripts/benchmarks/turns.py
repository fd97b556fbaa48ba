"""Fair timing: the contestants take turns, so that a busy machine slows all alike."""

import time
from collections.abc import Callable, Sequence

__all__ = ["interleaved"]


def interleaved(
    contestants: Sequence[Callable[[], None]], *, rounds: int = 5, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return each contestant's median seconds; a first round, which warms up, is not counted.

    Every second round goes the other way round, so that none always comes after the same one.
    """
    times: list[list[float]] = [[] for _ in contestants]
    for round_ in range(rounds + 1):
        for index, run in list(enumerate(contestants))[:: -1 if round_ % 2 else 1]:
            began = clock()
            run()
            if round_:
                times[index].append(clock() - began)

    return [sorted(values)[len(values) // 2] for values in times]
