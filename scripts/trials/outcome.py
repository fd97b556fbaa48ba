"""What came of a kind of trial: how many cases, and which of them failed."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

from tests.torture.processes import Forked, Tell

__all__ = ["KINDS", "Outcome", "tried"]

KINDS = (
    "kills",
    "points",
    "calls",
    "tails",
    "flips",
    "limits",
    "disks",
    "signals",
    "interrupts",
    "polls",
    "rivals",
    "forks",
    "ends",
    "hostile",
)
_ENDLESS = 10**9
_PATIENCE = 3600.0  # seconds for all cases; each has its own limit


class Kind(Protocol):
    """A module of this package that makes trials of one kind."""

    COUNT: int  # cases of a whole run; 0: all there are
    SHORT: int  # cases of a short one
    CHECKED: str

    def cases(self, numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
        """A line for every case of these numbers: empty, or how the store failed."""


@dataclass(frozen=True)
class Outcome:
    """What came of the cases of a kind."""

    kind: str
    count: int
    failures: tuple[str, ...]
    checked: str
    seconds: float


def kind_of(name: str) -> Kind:
    """The module of a kind."""
    return cast(Kind, import_module(f"tests.torture.{name}"))


def tried(name: str, folder: Path, *, count: int, first: int = 0, seed: int = 0, workers: int = 1) -> Outcome:
    """What came of so many cases.

    Args:
        name: One of `KINDS`.
        folder: Empty; for whatever the cases write.
        count: How many; 0: all there are.
        first: Number of the first; a case depends on its number and the seed alone, as far as chance allows.
        seed: Of all that is drawn.
        workers: Processes that share the cases.
    """
    began = time.monotonic()
    numbers = range(first, first + (count or _ENDLESS))
    shares = [numbers[worker::workers] for worker in range(workers)]
    children = [Forked(partial(_work, name, share, seed, folder / f"{at}")) for at, share in enumerate(shares)]
    failures, done = [], 0
    for child, share in zip(children, shares, strict=True):
        ending = child.end(_PATIENCE)
        lines = [line.removeprefix("case ") for line in child.told if line.startswith("case ")]
        failures += [
            f"{name} --seed {seed} --first {at}: {line}" for at, line in zip(share, lines, strict=False) if line
        ]
        failures += [f"{name} --seed {seed} --first {share[len(lines)]}: {ending}"] if ending else []
        done += len(lines)
    skipped = sorted({line for child in children for line in child.told if line.startswith("skipped")})
    checked = "; ".join([*skipped, kind_of(name).CHECKED])
    return Outcome(name, done, tuple(failures), checked, time.monotonic() - began)


def _work(name: str, numbers: range, seed: int, folder: Path, tell: Tell) -> None:
    try:
        for line in islice(kind_of(name).cases(numbers, seed, folder), len(numbers)):
            tell("case " + " | ".join(line.split("\n")))
    except NotImplementedError as error:
        tell(f"skipped: {error}")
