"""One writer for each run: a lock that dies with its process, and a note by which readers see whether it lives."""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from probes.errors import RunError
from probes.store.layout import FILES, LOCK, NUMBERED

__all__ = ["RunLock", "claim", "is_being_written"]

_STALE_SECONDS = 600.0
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # some network file systems


class RunLock:
    """The right to write to a run directory, until `release` or the end of the process.

    Raises:
        RunError: another writer has it.

    Example:
        >>> lock = RunLock(Path())
        >>> is_being_written(Path())
        True
        >>> lock.release()
    """

    def __init__(self, run_dir: Path) -> None:
        self._file = (run_dir / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                self._file.close()
                host, process, _ = _note(run_dir)
                raise RunError(
                    f"expected no other writer of `{run_dir}`, got process {process} on {host}; close that one, or "
                    "name another directory"
                ) from error
        self._write(f"{socket.gethostname()} {os.getpid()} {_birth(os.getpid())}")

    def release(self) -> None:
        """Let another writer in."""
        self._write("")
        self._file.close()

    def _write(self, note: str) -> None:
        self._file.truncate(0)
        self._file.write(note)
        self._file.flush()


def claim(run_dir: Path, *, overwrite: bool, resume: bool = False) -> RunLock:
    """The lock of a directory that holds no run, or one that is resumed; one to overwrite is deleted.

    Raises:
        RunError: it holds a run, has another writer, or cannot be written.

    Example:
        >>> claim(Path("runs/seed-0"), overwrite=False).release()
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = RunLock(run_dir)
    except OSError as error:
        raise RunError(
            f"expected a directory to record into at `{run_dir}`, got {error.strerror}; name another"
        ) from error

    found = [file for file in run_dir.iterdir() if file.name in FILES or NUMBERED.fullmatch(file.name)]
    if found and not overwrite and not resume:
        lock.release()
        advice = "name another directory, go on with it (resume=True), or overwrite it (--force, overwrite=True)"
        raise RunError(f"expected no run at `{run_dir}`, got one; {advice}")
    for file in [*([] if resume else found), *run_dir.glob(".*.tmp")]:
        file.unlink()
    return lock


def is_being_written(run_dir: Path) -> bool:
    """Whether the run's writer lives, without touching its lock.

    A writer on another machine cannot be seen from here: it counts as alive while it changes files of the run.

    Example:
        >>> is_being_written(Path())
        False
    """
    host, process, birth = _note(run_dir)
    if host == socket.gethostname():
        return birth == _birth(process)
    try:
        changed = max((file.stat().st_mtime for file in run_dir.glob("seg-*")), default=0.0)
    except FileNotFoundError:  # a journal that has just been sealed
        return True
    return bool(host) and time.time() - changed < _STALE_SECONDS


def _note(run_dir: Path) -> tuple[str, int, str]:
    try:
        host, process, birth = (run_dir / LOCK).read_text().split()
        return (host, int(process), birth)
    except (OSError, ValueError):
        return ("", 0, "")


def _birth(process: int) -> str:
    """When the process started, which tells it from a later one of its number; empty if it is dead."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass  # it lives, as another user's
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "unknown"
    return "" if state in "ZX" else fields[18]
