"""Kill -9 at random moments of opening, recording, sealing, recovering, closing and packing; then go on."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tests.torture.processes import Forked
from tests.torture.recording import Task

COUNT, SHORT = 150, 8
CHECKED = "vouched rows there, none wrong; in the end equal to an uninterrupted run, and verified"

_KILLS = 4  # of one run, at most
_LONGEST = 0.008  # seconds from a line that is told to the kill


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every kill: empty, or what it broke."""
    for place, number in enumerate(numbers):
        rng = np.random.default_rng((seed, number))
        if place % _KILLS == 0:
            task = _fresh(folder, rng)
        fault, dead = _killed(task, rng)
        while not dead and not fault:
            task = _fresh(folder, rng)
            fault, dead = _killed(task, rng)
        if not fault and place % _KILLS == _KILLS - 1:
            fault = task.end_wrong(verified=True)
        yield f"{task}: {fault}" if fault else ""


def _fresh(folder: Path, rng: np.random.Generator) -> Task:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Task.drawn(folder, rng)


def _killed(task: Task, rng: np.random.Generator) -> tuple[str, bool]:
    """What the kill broke, and whether there was one: the process may have come to its end before."""
    start = str(rng.choice(["", "open", "safe", "safe", "kept", "close"]))
    child = Forked(task)
    if start:
        child.wait_for(start, int(rng.integers(1, 6)) if start == "safe" else 1)
    child.pause(rng.uniform(0, _LONGEST))
    child.kill()
    ending = child.end()
    if ending == "killed by SIGKILL":
        fault = task.left_wrong(child.told)
        return (f"killed after {child.told[-1:]}: {fault}" if fault else ""), True
    return ending or task.end_wrong(verified=True), False
