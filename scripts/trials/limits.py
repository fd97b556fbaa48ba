"""A limit on the size of files that is met at some row and lifted at a later one: writing fails with EFBIG."""

import resource
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from tests.torture.full import CHECKED, Spell
from tests.torture.recording import Task

__all__ = ["CHECKED"]

COUNT, SHORT = 100, 8


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every spell of a full disk: empty, or what it broke."""
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        size = int(rng.integers(200, 9000))
        spell = Spell.drawn(Task.drawn(folder, rng), partial(_limit, size), partial(_limit, -1), rng)
        fault = spell.fault()
        yield f"{spell}, {size} bytes: {fault}" if fault else ""


def _limit(size: int) -> None:
    """The soft limit, so that it can be lifted; Python ignores the signal that tells of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
