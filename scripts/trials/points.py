"""A crash right after each row, in turn: going on from there, the log ends bit for bit as without it."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.torture.processes import in_child
from tests.torture.recording import Task

from probes.log.writing import RunWriter

COUNT, SHORT = 120, 6
CHECKED = "vouched rows there; in the end equal to an uninterrupted run, and verified"

_ROWS = 60
_WAYS = ({"block_rows": 7, "pack_bytes": 0}, {"block_rows": 16, "pack_bytes": 2**26})


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every row and way to record: empty, or what the crash broke; the seed turns the order only."""
    for number in numbers:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        row = (number // len(_WAYS) * 7 + seed) % _ROWS
        task = Task(folder, _ROWS, safe_every=3, keep_every=10, flush_every=4, **_WAYS[number % len(_WAYS)])
        crashing = Crashing(**vars(task), crash_after=row)
        told, ending = in_child(crashing)
        fault = task.left_wrong(told) or task.end_wrong(verified=True)
        if not ending.startswith("exit code 9:"):
            fault = f"expected its end, got `{ending}`"
        yield f"{task}, crash after row {row}: {fault}" if fault else ""


@dataclass(frozen=True, kw_only=True)
class Crashing(Task):
    """The same, ending without notice after a row."""

    crash_after: int

    def append(self, writer: RunWriter, row: int) -> None:
        """Record a row, perhaps the last one."""
        super().append(writer, row)
        if row == self.crash_after:
            os._exit(9)
