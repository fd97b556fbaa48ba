"""A process that records, keeps checkpoints, and goes on from the last one when it is started again."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from tests.torture.material import DIRECTIONS_STORED, ROW_BYTES, STEPS, append, manifest, unlike_whole, wrong
from tests.torture.processes import Tell, in_child

from probes.errors import ProbesError
from probes.files.durable import write_whole
from probes.log import open_log
from probes.log.layout import MANIFEST
from probes.log.verification.audit import audited
from probes.log.writing import Position, RunWriter

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """What is to be recorded and how; calling it does it, from the last checkpoint on.

    It tells ``open ROWS`` when its writer is, ``safe ROWS`` after a flush, ``kept ROWS`` after a checkpoint, ``close``
    before it closes.
    """

    folder: Path
    rows: int = 64
    block_rows: int = 9
    flush_every: int = 4
    safe_every: int = 5
    keep_every: int = 11
    pack_bytes: int = 2**26
    flush_seconds: float = 1.0

    @classmethod
    def drawn(cls, folder: Path, rng: np.random.Generator, rows: int = 64) -> Self:
        """One with blocks, flushes and checkpoints of any size, packed at the end or not."""
        return cls(
            folder,
            rows,
            block_rows=int(rng.choice([2, 5, 9, 16, 200])),
            flush_every=int(rng.choice([1, 4, 16])),
            safe_every=int(rng.integers(2, 9)),
            keep_every=int(rng.integers(3, 20)),
            pack_bytes=int(rng.choice([0, 2**26])),
        )

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.folder / "disk" / "runs" / "seed-0"

    @property
    def checkpoint(self) -> Position:
        """Where the run goes on."""
        file = self.folder / "checkpoint.json"
        return Position(*json.loads(file.read_text())) if file.exists() else Position()

    def open(self) -> RunWriter:
        """A writer that goes on from the checkpoint."""
        return RunWriter(
            self.path,
            manifest(),
            directions=DIRECTIONS_STORED,
            resume=self.checkpoint,
            block_bytes=self.block_rows * ROW_BYTES,
            flush_every=self.flush_every,
            pack_bytes=self.pack_bytes,
            flush_seconds=self.flush_seconds,
        )

    def append(self, writer: RunWriter, row: int) -> None:
        """Record a row."""
        append(writer, row)

    def keep(self, position: Position) -> None:
        """Store a checkpoint as a training does: whole or not at all."""
        write_whole(self.folder / "checkpoint.json", json.dumps(position).encode())

    def __call__(self, tell: Tell) -> None:
        """Record from the checkpoint on, and close."""
        first = int(np.searchsorted(STEPS, self.checkpoint.step, "right"))
        with self.open() as writer:
            tell(f"open {self.checkpoint.rows}")
            for row in range(first, self.rows):
                self.append(writer, row)
                if row % self.safe_every == self.safe_every - 1:
                    writer.flush()
                    tell(f"safe {row + 1}")
                if row % self.keep_every == self.keep_every - 1:
                    self.keep(writer.position(int(STEPS[row])))
                    tell(f"kept {row + 1}")
            tell("close")

    def left_wrong(self, told: Sequence[str] = (), *, holes: bool = False, without: Collection[int] = ()) -> str:
        """What is wrong with what a process left behind that told this; nothing, if all it vouched for is there."""
        vouched = [int(line.split()[1]) for line in told if line.startswith(("open ", "safe ", "kept "))]
        least = max([self.checkpoint.rows, *vouched])
        try:
            if not least and not (self.path / MANIFEST).exists():
                return ""
            return wrong(open_log(self.path), least=least, holes=holes, without=without)
        except ProbesError as error:
            return f"not read: {error}"

    def end_wrong(self, without: Collection[int] = (), *, verified: bool = False) -> str:
        """Let the run go on to its end, and say what is wrong with that: nothing, if it is as if never interrupted."""
        _, ending = in_child(self)
        try:
            fault = ending or unlike_whole(open_log(self.path), self.rows, without)
            found = audited(self.path, None) if verified and not fault else []
            return fault or next((line for kind, line in found if kind == "fault"), "")
        except ProbesError as error:
            return f"not read: {error}"
