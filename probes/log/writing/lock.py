"""One writer for each run: a lock that dies with its process, and a note by which readers see whether it lives."""

import errno
import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from weakref import WeakSet

from probes.errors import LogError, RunError
from probes.files.durable import is_there, make_folder, read_whole, remove_unfinished
from probes.log.layout import FILES, LOCK, MANIFEST, NUMBERED
from probes.log.liveness import birth_of, note_of
from probes.log.manifest import read_manifest
from probes.log.outputs import output_files, remove_outputs

__all__ = ["RunLock", "claim"]

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # some network file systems

_HELD: "WeakSet[RunLock]" = WeakSet()  # by this process


class RunLock:
    """The right to write to a directory, until `release` or the end of the process.

    Raises:
        RunError: If it has another writer.

    Example:
        >>> RunLock(Path()).release()
    """

    def __init__(self, run_dir: Path) -> None:
        self.created = ""  # when the run began, as its run.json says, once that is written
        self._path = run_dir / LOCK
        self._file = open(self._path, "ab", buffering=0, opener=_without_links)  # noqa: SIM115 - open until `release`
        self._note = f"{socket.gethostname()} {os.getpid()} {birth_of(os.getpid())} {token_hex(8)}"
        try:
            self._take(run_dir)
            self._write(self._note)
            _HELD.add(self)
        except BaseException:
            self._file.close()
            raise

    def check(self) -> None:
        """Refuse to write where the folder was taken away, and another run or another writer has its place now.

        Raises:
            RunError: the folder is another's.
        """
        run_dir = self._path.parent
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._file.fileno()), self._path.lstat()):
                return
        with suppress(OSError, LogError):
            if read_whole(self._path).decode() == self._note:  # some file systems number a file anew
                return
        with suppress(RunError, LogError):
            if not os.path.lexists(self._path) and read_manifest(run_dir).created == self.created:
                return
        if os.path.lexists(self._path) or os.path.lexists(run_dir / MANIFEST):
            raise RunError(
                f"expected the run of {self.created} at `{run_dir}`, got another: the folder was deleted and recorded "
                "into anew; what this process still has of its run is not written"
            )

    def release(self) -> None:
        """Let another writer in."""
        with suppress(OSError, ValueError):  # the note is for readers, and they ask the manifest, too
            self._write("")
        with suppress(OSError, ValueError):  # also for a fork that has not closed the file yet
            fcntl.flock(self._file, fcntl.LOCK_UN)
        with suppress(OSError):  # it is open to others already
            self.let_go()

    def let_go(self) -> None:
        """Close the file: in a fork, which would hold the lock for as long as it lives, and hold it after our death."""
        self._file.close()

    def _take(self, run_dir: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                host, process, _ = note_of(run_dir)
                raise RunError(
                    f"expected no other writer of `{run_dir}`, got process {process} on {host}; close that one, or "
                    "name another directory"
                ) from error

    def _write(self, note: str) -> None:
        self._file.truncate(0)
        if self._file.write(note.encode()) < len(note):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def claim(run_dir: Path, *, overwrite: bool, resume: bool = False, begun: bool = False) -> RunLock:
    """The lock of a directory that holds no run, or one that is resumed; one to overwrite is deleted.

    Args:
        run_dir: The directory.
        overwrite: Whether a run that it holds goes.
        resume: Whether one that it holds is gone on with.
        begun: Whether it has to hold one.

    Raises:
        RunError: it holds a run, or holds none, has another writer, or cannot be written.

    Example:
        >>> claim(Path("runs/seed-0"), overwrite=False).release()
    """
    try:
        if begun and not is_there(run_dir / MANIFEST):
            raise RunError(f"expected a run to go on with at `{run_dir}`, got none; name that of the checkpoint")
        make_folder(run_dir)
        lock = RunLock(run_dir)
        try:
            _clear(run_dir, overwrite=overwrite, resume=resume)
        except BaseException:
            lock.release()
            raise
    except OSError as error:
        raise RunError(
            f"expected a directory to record into at `{run_dir}`, got {error.strerror}; name another"
        ) from error
    return lock


def _clear(run_dir: Path, *, overwrite: bool, resume: bool) -> None:
    """Delete what a run leaves that was killed, and the run that is to be overwritten."""
    found = [file for file in run_dir.iterdir() if file.name in FILES or NUMBERED.fullmatch(file.name)]
    if (found or output_files(run_dir)) and not overwrite and not resume:
        advice = "name another directory, go on with it (resume=True), or overwrite it (--force, overwrite=True)"
        raise RunError(f"expected no run at `{run_dir}`, got one; {advice}")
    resume = resume and is_there(run_dir / MANIFEST)  # without it, what lies there is of no run
    remove_unfinished(run_dir)
    for file in [] if resume else found:
        file.unlink(missing_ok=True)
    if not resume:
        remove_outputs(run_dir)


def _after_fork() -> None:
    for lock in _HELD:
        lock.let_go()
    _HELD.clear()


os.register_at_fork(after_in_child=_after_fork)
