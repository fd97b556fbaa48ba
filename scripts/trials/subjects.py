"""Recorded runs that trials damage: cut off, packed into one file, and left in segments after it was resumed."""

import shutil
from pathlib import Path

import numpy as np
from tests.torture.material import DIRECTIONS_STORED, ROW_BYTES, STEPS, append, manifest

from probes.log import Evaluation
from probes.log.layout import LOCK
from probes.log.writing import Position, RunWriter, write_evaluation

__all__ = ["cut_off", "packed", "shown"]

ROWS = 50
BLOCK_ROWS = 18
EVALUATION = Evaluation({"training/labels": np.arange(40), "class_view_moment": np.eye(3)}, {"mu": 0.25, "q": 4})


def cut_off(path: Path, *, rows: int = ROWS) -> list[tuple[int, int]]:
    """Record up to some rows and stop there, as a kill would.

    Returns:
        For every frame of the last journal its end in bytes and the rows of the log up to there.
    """
    source = path.with_name(f"{path.name}-live")
    writer = _writer(source)
    frames: list[tuple[int, int]] = []
    for row in range(rows):
        append(writer, row)
        journal = source / f"seg-{row // BLOCK_ROWS:06d}.wal"
        end = journal.stat().st_size if journal.exists() else 0
        if row % BLOCK_ROWS == 0:
            frames.clear()
        if end and (not frames or end > frames[-1][0]):
            frames.append((end, row + 1))
    writer.flush()
    frames.append(((source / f"seg-{(rows - 1) // BLOCK_ROWS:06d}.wal").stat().st_size, rows))
    shutil.copytree(source, path)
    (path / LOCK).write_text("")  # its process is dead
    writer.close()
    shutil.rmtree(source)
    return frames


def packed(path: Path) -> None:
    """Record all rows and close; they are in log.h5."""
    with _writer(path) as writer:
        for row in range(ROWS):
            append(writer, row)
    write_evaluation(path, EVALUATION)


def shown(path: Path) -> None:
    """Record some rows, go on from an earlier one, and close; log.h5 shows the segments."""
    kept = ROWS // 2
    with _writer(path, pack_bytes=0) as writer:
        for row in range(kept + 9):
            append(writer, row)
    with _writer(path, pack_bytes=0, resume=Position(int(STEPS[kept - 1]), kept)) as writer:
        for row in range(kept, ROWS):
            append(writer, row)


def _writer(path: Path, *, pack_bytes: int = 2**26, resume: Position | None = None) -> RunWriter:
    return RunWriter(
        path,
        manifest(),
        directions=DIRECTIONS_STORED,
        resume=resume,
        block_bytes=BLOCK_ROWS * ROW_BYTES,
        pack_bytes=pack_bytes,
        flush_every=3,
        flush_seconds=1e9,
    )
