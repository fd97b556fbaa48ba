"""What a recorded step costs the thread that trains, over the least that is possible: its bytes written in blocks.

Full blocks are sealed in another thread. Every ratio says whether that went on meanwhile: if not, a step costs its
thread's time of the processor; if so, all the time until the step is in, whatever that is spent with.
"""

import os
import struct
import time
import zlib
from functools import partial
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.log import Manifest, Series
from probes.log.writing import RunWriter
from scripts.benchmarks.turns import interleaved

__all__ = ["beside_sealing", "without_sealing"]

Row = dict[str, object]

BLOCK_BYTES = 2**24
FRAME = 16  # steps that go to the journal, or to the raw file, at once,
FRAME_BYTES = 2**20  # unless they are more: a write of 3 MB takes the system up to nine times as long a byte
STEPS = {2_000: 128, 50_000: 16}  # values -> steps of a turn
LIMITS = {2_000: ("<= 4", "<= 0.10"), 50_000: ("<= 2", "")}
PAUSE = 0.004  # seconds between frames of 2,000 values: the next block fills no faster than one is sealed


def without_sealing(folder: Path, values: int, *, rounds: int) -> list[Row]:
    """The ratios of a step of so many values once its memory has been used before, with time to seal between turns."""
    rows = np.random.default_rng(0).standard_normal((STEPS[values], values), "f4")
    with (
        _writer(folder / "run", values) as writer,
        (folder / "raw").open("wb", buffering=0) as raw,
        (folder / "events").open("wb") as events,
        h5py.File(folder / "naive.h5", "w") as file,
    ):
        naive = file.create_dataset("w", (0, values), maxshape=(None, values), dtype="f4", chunks=True)
        _warm_up(writer, rows)
        turns = [
            partial(_settle, writer),
            partial(_write_blocks, raw, rows),
            partial(_record, writer, rows),
            partial(_write_rows, naive, rows),
            partial(_write_events, events, rows),
        ]
        seconds = interleaved(turns, rounds=rounds, clock=time.thread_time)
        _, raw_, recorded, by_row, by_event = (each / len(rows) for each in seconds)

    return [
        {
            "name": f"{values:,} values a step: recorded over {what} (time)",
            "ratio": recorded / other,
            "target": limit,
            "note": f"{recorded * 1e6:.1f} us over {other * 1e6:.1f} us of the processor; no block is sealed meanwhile",
        }
        for what, other, limit in (
            ("a raw block write", raw_, LIMITS[values][0]),
            ("naive per-step h5py", by_row, LIMITS[values][1]),
            ("an event file flushed every step", by_event, ""),
        )
    ]


def beside_sealing(folder: Path, *, frames: int, rounds: int) -> Row:
    """The ratio while a block is sealed: of means, since a stall counts; the pauses stand for training."""
    rows = np.random.default_rng(0).standard_normal((FRAME, 2_000), "f4")
    seconds = np.zeros(3)
    with _writer(folder / "beside", 2_000) as writer, (folder / "raw-beside").open("wb", 0) as raw:
        _warm_up(writer, rows)
        for round_ in range(rounds):
            while writer.rows * rows[0].nbytes < (3 + round_) * BLOCK_BYTES:
                _record(writer, rows)
            for _ in range(frames):
                time.sleep(PAUSE)
                began, busy = time.perf_counter(), time.thread_time()
                _record(writer, rows)
                recorded, busy = time.perf_counter(), time.thread_time() - busy
                _write_blocks(raw, rows)
                seconds += [recorded - began, busy, time.perf_counter() - recorded]
            _settle(writer)

    recorded, busy, raw_ = seconds / (rounds * frames * FRAME) * 1e6
    return {
        "name": "2,000 values a step: recorded while a block is sealed over a raw block write (time)",
        "ratio": recorded / raw_,
        "target": "<= 4",
        "note": f"{recorded:.1f} us, {busy:.1f} of them busy, over {raw_:.1f} us; {os.cpu_count()} cores",
    }


def _warm_up(writer: RunWriter, rows: NDArray[np.float32]) -> None:
    """Fill two blocks; the third has the memory of the first."""
    while writer.rows * rows[0].nbytes < 2 * BLOCK_BYTES:
        _record(writer, rows)
        _settle(writer)


def _settle(writer: RunWriter) -> None:
    """Wait until no full block is left to seal."""
    while len(list(writer.path.glob("seg-*.wal"))) > 1:
        time.sleep(0.01)


def _writer(path: Path, values: int) -> RunWriter:
    manifest = Manifest("run", (Series("w", ("value",), (values,)),))
    return RunWriter(path, manifest, block_bytes=BLOCK_BYTES, pack_bytes=0)


def _record(writer: RunWriter, rows: NDArray[np.float32]) -> None:
    for step, row in enumerate(rows, writer.rows):
        writer.append(step, {"w": row})


def _write_blocks(file: BinaryIO, rows: NDArray[np.float32]) -> None:
    frame = min(FRAME, FRAME_BYTES // rows[0].nbytes)
    file.writelines(rows[start : start + frame].data for start in range(0, len(rows), frame))


def _write_rows(dataset: h5py.Dataset, rows: NDArray[np.float32]) -> None:
    for row in rows:
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = row


def _write_events(file: BinaryIO, rows: NDArray[np.float32]) -> None:
    """Records of length, checksum, content, checksum, each flushed, as event files of TensorBoard have them."""
    for row in rows:
        length = struct.pack("<Q", row.nbytes)
        file.write(length + struct.pack("<I", zlib.crc32(length)))
        file.write(row.data)
        file.write(struct.pack("<I", zlib.crc32(row.data)))
        file.flush()
