"""Journals whose tail is cut off, overwritten, filled with zeros, or followed by what does not belong there."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from tests.torture.material import wrong
from tests.torture.subjects import BLOCK_ROWS, ROWS, cut_off

from probes.errors import ProbesError
from probes.log import open_log

COUNT, SHORT = 3000, 150
CHECKED = "exactly the rows before the damage, a fault that names it; nothing if nothing changed"

_TAIL = 0.9  # share of the journal that counts as its tail; its head is the rest

Damage = Callable[[bytes, int, np.random.Generator], bytes]


def cut(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """Nothing from the place on."""
    return data[:place]


def scribbled(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """Random bytes over some of it."""
    length = int(rng.integers(1, 200))
    return (data[:place] + rng.bytes(length) + data[place + length :])[: max(len(data), place + length)]


def zeroed(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """Zeros to the end of its disk block, or of the file."""
    stop = int(rng.choice([len(data), min(len(data), (place // 512 + 1) * 512)]))
    return data[:place] + bytes(stop - place) + data[stop:]


def flipped(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """One bit the other way round."""
    changed = data[place] ^ (1 << int(rng.integers(8)))
    return data[:place] + bytes([changed]) + data[place + 1 :]


def followed(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """Random bytes or zeros after it."""
    length = int(rng.integers(1, 9000))
    return data + (rng.bytes(length) if rng.random() < 0.5 else bytes(length))


def shifted(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    """Some bytes missing in the middle."""
    return data[:place] + data[place + int(rng.integers(1, 50)) :]


DAMAGES: tuple[Damage, ...] = (cut, scribbled, zeroed, flipped, followed, shifted)


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every damaged tail: empty, or what was read of it."""
    path = folder / "seed-0"
    frames = cut_off(path)
    journal = max(path.glob("*.wal"))
    good = journal.read_bytes()
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        damage = DAMAGES[int(rng.integers(len(DAMAGES)))]
        place = len(good) - 1 - int(rng.integers(int(len(good) * _TAIL)))
        bad = damage(good, place, rng)
        journal.write_bytes(bad)
        fault = _misread(path, frames, _same(good, bad), len(bad))
        yield f"{damage.__name__} at byte {place} of {len(good)}: {fault}" if fault else ""


def _same(good: bytes, bad: bytes) -> int:
    """How many bytes from the beginning on are as they were."""
    length = min(len(good), len(bad))
    other = np.flatnonzero(np.frombuffer(good, "u1")[:length] != np.frombuffer(bad, "u1")[:length])
    return int(other[0]) if other.size else length


def _misread(path: Path, frames: list[tuple[int, int]], same: int, size: int) -> str:
    """What is wrong with how the log is read."""
    whole = [(0, ROWS // BLOCK_ROWS * BLOCK_ROWS), *((end, rows) for end, rows in frames if end <= same)]
    end, rows = whole[-1]
    try:
        log = open_log(path)
        fault = wrong(log, least=rows)
    except ProbesError as error:
        return f"not read: {error}"
    if len(log.steps) != rows:
        return f"{len(log.steps)} rows read where {rows} are whole"
    return fault or ("" if len(log.faults) == (end != size) else f"{size - end} bytes lost, faults {log.faults}")
