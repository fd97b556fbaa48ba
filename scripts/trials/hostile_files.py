"""A run's files as such, replaced or rewritten by a stranger: what lies there, run.json, and journals."""

import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from probes.log.layout import DIRECTIONS, MANIFEST, MERGED

__all__ = ["KINDS"]

Change = Callable[[Path], object]

JOURNAL, SEGMENT = "seg-000002.wal", "seg-000001.h5"


def linked(run: Path, name: str, target: str = "/etc/passwd") -> None:
    """A link in place of a file."""
    (run / name).unlink()
    (run / name).symlink_to(target)


def overwritten(run: Path, name: str, data: bytes) -> None:
    """Other content."""
    (run / name).write_bytes(data)


def piped(run: Path, name: str) -> None:
    """A pipe, from which nothing ever comes."""
    (run / name).unlink()
    os.mkfifo(run / name)


def in_folder(run: Path, name: str) -> None:
    """A folder in place of a file."""
    (run / name).unlink()
    (run / name).mkdir()


def sparse(run: Path, name: str, size: int) -> None:
    """More bytes than there is memory, none of which is on the disk."""
    os.truncate(run / name, size)


def described(run: Path, **facts: Any) -> None:
    """Another run.json, with a checksum that fits."""
    data = json.loads((run / MANIFEST).read_text()) | facts
    data.pop("checksum")
    checksum = zlib.crc32(json.dumps(data, sort_keys=True).encode())
    (run / MANIFEST).write_text(json.dumps(data | {"checksum": checksum}))


def series(run: Path, **facts: Any) -> None:
    """The same with another first series."""
    first, *rest = json.loads((run / MANIFEST).read_text())["series"]
    described(run, series=[first | facts, *rest])


def journal(run: Path, change: Callable[[bytearray], object]) -> None:
    """A journal with another head, whose checksum fits."""
    data = bytearray((run / JOURNAL).read_bytes())
    change(data)
    data[60:64] = struct.pack("<I", zlib.crc32(data[:60]))
    (run / JOURNAL).write_bytes(data)


def frame_of(run: Path, file: BinaryIO, *, names: bytes = b"", entries: bytes = b"") -> None:
    """One more frame at the end of a journal, without rows, whose checksums fit."""
    seed = int.from_bytes((run / JOURNAL).read_bytes()[60:64], "little")
    head = struct.pack("<4s3I", b"rows", 0, len(names), len(entries) // 20)
    payload = names + entries
    file.write(head + struct.pack("<I", zlib.crc32(head, seed)))
    file.write(payload + struct.pack("<I", zlib.crc32(payload, seed)))


def entries_of(count: int) -> bytes:
    """A logged value for each of so many names."""
    return b"".join(struct.pack("<qId", 7, name, 0.5) for name in range(count))


def numbered_far_off(run: Path) -> None:
    """A segment of a number that one could only count to for long."""
    (run / MERGED).rename(run / "seg-999999.h5")


_OTHERS: dict[str, tuple[str, Change]] = {
    "run_id that leads out": ("packed", partial(described, run_id="../../etc")),
    "run_id of a number": ("packed", partial(described, run_id=7)),
    "run_id of two lines": ("packed", partial(described, run_id="seed\n0")),
    "description of a newer format": ("packed", partial(described, format_version=3)),
    "series of a number": ("packed", partial(described, series=[7])),
    "series with a name of two lines": ("packed", partial(series, name="corre\nlations")),
    "series larger than any memory": ("packed", partial(series, shape=[2**40, 2])),
    "series of objects": ("packed", partial(series, dtype="|O")),
    "attempts of text": ("packed", partial(described, attempts=["one"])),
    "description without an end": ("packed", partial(overwritten, name=MANIFEST, data=b"[" * 100_000)),
    "description of 300 MB": ("packed", partial(overwritten, name=MANIFEST, data=b"[" + b"[]," * 10**8 + b"0]")),
    "description that is none": ("packed", partial(overwritten, name=MANIFEST, data=b"\xff\xfe{}")),
    "description changed by hand": (
        "packed",
        lambda run: overwritten(run, MANIFEST, (run / MANIFEST).read_bytes().replace(b"0.25", b"0.75")),
    ),
    "numbered far off": ("packed", numbered_far_off),
    "journal of a newer format": ("cut-off", partial(journal, change=lambda data: data.__setitem__(8, 2))),
    "journal of another number": ("cut-off", partial(journal, change=lambda data: data.__setitem__(12, 7))),
    "directions of others": ("packed", lambda run: overwritten(run, DIRECTIONS, (run / MERGED).read_bytes())),
}
_FILES: Mapping[str, tuple[str, str]] = {
    "log": ("packed", MERGED),
    "segment": ("shown", SEGMENT),
    "journal": ("cut-off", JOURNAL),
    "description": ("packed", MANIFEST),
    "directions": ("packed", DIRECTIONS),
}


def _replaced(name: str) -> dict[str, Change]:
    return {
        "is a link": partial(linked, name=name),
        "is a pipe": partial(piped, name=name),
        "is a folder": partial(in_folder, name=name),
        "is pickled": partial(overwritten, name=name, data=pickle.dumps({"step": [0]})),
        "is empty": partial(overwritten, name=name, data=b""),
        "is a terabyte": partial(sparse, name=name, size=2**40),
    }


KINDS: Mapping[str, tuple[str, Change]] = _OTHERS | {
    f"{what} that {how}": (subject, change)
    for what, (subject, name) in _FILES.items()
    for how, change in _replaced(name).items()
}
