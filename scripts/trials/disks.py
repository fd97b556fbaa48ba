"""A small file system that fills up at some row and has space again at a later one: writing fails with ENOSPC."""

import ctypes
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tests.torture.full import CHECKED, Spell
from tests.torture.processes import Tell, in_child
from tests.torture.recording import Task

__all__ = ["CHECKED"]

COUNT, SHORT = 60, 6

_SIZE = 2**20
_NEW_MOUNTS, _NEW_USER, _PRIVATE = 0x00020000, 0x10000000, 0x40000 | 0x4000  # linux/sched.h, linux/mount.h


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every spell of a full disk: empty, or what it broke.

    Raises:
        NotImplementedError: this process may not mount a file system, even in a name space of its own.
    """
    (folder / "disk").mkdir(parents=True, exist_ok=True)

    def work(tell: Tell) -> None:
        try:
            mount(folder / "disk")
        except OSError as error:
            tell(f"skipped {error.strerror}")
            return
        for number in numbers:
            tell(_case(number, seed, folder))

    told, ending = in_child(work, patience=3600.0)
    if told and told[0].startswith("skipped"):
        raise NotImplementedError(f"no file system can be mounted here: {told[0].removeprefix('skipped ')}")
    yield from told
    if ending:
        yield ending


def mount(folder: Path) -> None:
    """Put a small file system at the folder that this process alone sees; users may where they have name spaces.

    Raises:
        OSError: the system refuses.
    """
    user = (os.getuid(), os.getgid())
    _call("unshare", _NEW_MOUNTS | (_NEW_USER if user[0] else 0))
    if user[0]:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user[0]} 1")
        Path("/proc/self/gid_map").write_text(f"0 {user[1]} 1")
    _call("mount", b"none", b"/", None, ctypes.c_ulong(_PRIVATE), None)
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(0), f"size={_SIZE}".encode())


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _case(number: int, seed: int, folder: Path) -> str:
    rng = np.random.default_rng((seed, number))
    shutil.rmtree(folder / "disk" / "runs", ignore_errors=True)
    (folder / "checkpoint.json").unlink(missing_ok=True)
    left = int(rng.integers(0, 12)) * 4096
    ballast = folder / "disk" / "ballast"
    ballast.unlink(missing_ok=True)

    def fill() -> None:
        """All but some pages."""
        with ballast.open("wb", buffering=0) as file:
            free = os.statvfs(ballast)
            os.posix_fallocate(file.fileno(), 0, max(4096, free.f_bavail * free.f_frsize - left))

    task = Task.drawn(folder, rng)
    spell = Spell.drawn(task, fill, lambda: ballast.unlink(missing_ok=True), rng)
    fault = spell.fault()
    return " | ".join(f"{spell}, {left} bytes left: {fault}".split("\n")) if fault else ""
