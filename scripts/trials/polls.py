"""Readers that poll while a writer records, seals, packs, and goes on with runs: one opens anew, one refreshes."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
from tests.torture.material import ROW_BYTES, STEPS, append, manifest, wrong
from tests.torture.processes import Forked, Tell

from probes.errors import ProbesError
from probes.log import Log, open_log
from probes.log.writing import Position, RunWriter

COUNT, SHORT = 12_000, 150
CHECKED = "every poll right, rows fall only for a new attempt, no faults; writer unharmed, nothing written or locked"

_ROWS = 64
_WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink", "fcntl.flock"}
_RESUMED = "it was resumed; refresh the log"
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every poll: empty, or what was wrong with it."""
    folder.mkdir(exist_ok=True)
    polls = len(list(numbers))
    writer = Forked(lambda tell: _write(folder, np.random.default_rng((seed, 0)), tell))
    writer.wait_for("run")
    rngs = [np.random.default_rng((seed, reader)) for reader in (1, 2)]
    readers = [
        Forked(lambda tell: _poll(_opened(folder, rngs[0]), polls - polls // 2, rngs[0], tell)),
        Forked(lambda tell: _poll(_refreshed(folder), polls // 2, rngs[1], tell)),
    ]
    endings = [reader.end(patience=3600.0) for reader in readers]
    (folder / "stop").touch()
    endings.append(writer.end())
    lines = [line.removeprefix("poll ") for reader in readers for line in reader.told if line.startswith("poll")]
    extra = [f"process ended: {ending}" for ending in endings if ending]
    extra += [line for reader in readers for line in reader.told if not line.startswith("poll")]
    yield from [*extra, *lines][:polls]


def _write(folder: Path, rng: np.random.Generator, tell: Tell) -> None:
    """Record run after run until told to stop, each in one to three attempts."""
    for number in count():
        if (folder / "stop").exists():
            return
        path, position = folder / f"run-{number:06d}", Position()
        block, packed = int(rng.choice([3, 7, 20, 100])) * ROW_BYTES, int(rng.choice([0, 2**26]))
        for end in [*sorted(rng.integers(0, _ROWS, rng.integers(0, 3)).tolist()), _ROWS]:
            with RunWriter(
                path,
                manifest(path.name),
                resume=position,
                block_bytes=block,
                pack_bytes=packed,
                flush_every=int(rng.choice([1, 4, 16])),
            ) as writer:
                tell(f"run {number}")
                position = _recorded(writer, position, end, rng)
            time.sleep(float(rng.choice([0.0, 0.003])))


def _recorded(writer: RunWriter, position: Position, end: int, rng: np.random.Generator) -> Position:
    """Record rows up to an end; return a position at one of them, to go on from."""
    kept = position
    for row in range(position.rows, end):
        append(writer, row)
        time.sleep(0.0003)
        if rng.random() < 0.1:
            kept = writer.position(int(STEPS[row]))
    return kept


def _opened(folder: Path, rng: np.random.Generator) -> Iterator[Log]:
    """The newest run or one before, opened anew for each poll."""
    while True:
        path = _newest(folder, int(rng.choice([1, 1, 1, 2, 3])))
        with suppress(FileNotFoundError):
            yield open_log(path)


def _refreshed(folder: Path) -> Iterator[Log]:
    """The newest run, refreshed for each poll until it has ended."""
    while True:
        log = open_log(_newest(folder, 1))
        while log.status in {"recording", "interrupted"}:
            yield log
            log.refresh()
        yield log.refresh()


def _newest(folder: Path, place: int) -> Path:
    runs = sorted(path.parent for path in folder.glob("run-*/run.json"))
    return runs[-min(place, len(runs))]


def _poll(logs: Iterator[Log], polls: int, rng: np.random.Generator, tell: Tell) -> None:
    written: list[str] = []
    sys.addaudithook(lambda event, arguments: written.extend(_changes(event, arguments)))
    before: tuple[str, int, int] = ("", 0, 0)
    for _ in range(polls):
        try:
            log = next(logs)
            fault, before = _polled(log, before, float(rng.choice([0.0, 0.002, 0.01])))
        except ProbesError as error:
            fault = "" if _RESUMED in str(error) else f"not read: {error}"
        tell(f"poll {fault}")
    tell_all = [f"a reader changed something: {line}" for line in written[:9]]
    tell_all += [f"a reader holds a lock: {line}" for line in _locks()]
    for line in tell_all:
        tell(line)


def _polled(log: Log, before: tuple[str, int, int], pause: float) -> tuple[str, tuple[str, int, int]]:
    """What is wrong with a log as it is now, and how far it is: run, attempts and rows."""
    rows = len(log.steps)
    time.sleep(pause)  # for the writer to take away what the log has found
    fault = wrong(log)
    now = (log.manifest.run_id, len(log.manifest.attempts), rows)
    if not fault and log.faults:
        fault = f"faults {log.faults}"
    if not fault and len(log.steps) != rows:
        fault = f"{len(log.steps)} rows without a refresh, {rows} before"
    if not fault and now[:2] == before[:2] and rows < before[2]:
        fault = f"{rows} rows after {before[2]}"
    return (f"{now}: {fault}" if fault else ""), now


def _changes(event: str, arguments: Sequence[object]) -> list[str]:
    """What an audited event changes on a disk, or locks."""
    changing = event == "open" and isinstance(arguments[2], int) and arguments[2] & _CHANGING
    return [f"{event} {arguments}"] if event in _WRITES or changing else []


def _locks() -> list[str]:
    return [line for line in Path("/proc/locks").read_text().splitlines() if f" {os.getpid()} " in line]
