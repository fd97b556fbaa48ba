"""Whether a run's writer lives, by the note that it keeps in its lock; the lock itself is left alone."""

import os
import socket
import time
from pathlib import Path

from probes.errors import LogError
from probes.files.durable import check_plain
from probes.log.layout import LOCK

__all__ = ["is_being_written"]

_STALE_SECONDS = 600.0
_LONGEST_NOTE = 1000


def is_being_written(run_dir: Path) -> bool:
    """Whether the run's writer lives, without touching its lock.

    A writer on another machine cannot be seen from here: it counts as alive while it changes files of the run.

    Example:
        >>> is_being_written(Path())
        False
    """
    host, process, birth = note_of(run_dir)
    if host == socket.gethostname():
        return birth == birth_of(process)
    try:
        changed = max((file.stat().st_mtime for file in run_dir.glob("seg-*")), default=0.0)
    except FileNotFoundError:  # a journal that has just been sealed
        return True
    return bool(host) and time.time() - changed < _STALE_SECONDS


def note_of(run_dir: Path) -> tuple[str, int, str]:
    """Host, process and birth of whoever holds the lock; empty, 0 and empty if nobody does."""
    try:
        check_plain(run_dir / LOCK)
        with (run_dir / LOCK).open(encoding="utf-8") as file:
            host, process, birth, *_ = file.read(_LONGEST_NOTE).split()
        return (host, int(process), birth)
    except (OSError, ValueError, LogError):
        return ("", 0, "")


def birth_of(process: int) -> str:
    """When the process started, which tells it from a later one of its number; empty if it is dead."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return ""
    except PermissionError:
        pass  # it lives, as another user's
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "unknown"
    return "" if state in "ZX" else fields[18]
