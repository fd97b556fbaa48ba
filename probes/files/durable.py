"""Files that appear whole or not at all, and files that are read only if they are what they seem."""

import ctypes
import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from probes.errors import LogError
from probes.files.text import printable

__all__ = ["create_beside", "is_there", "read_whole", "remove_unfinished", "write_whole"]

TEMPORARY = r"\..+\.[0-9a-f]+\.tmp"  # what a file is called until it is whole
# What to do about files that data tools link to a store of theirs: hubs of models, DVC, DataLad.
_FROM_LINKS = "copy the run with `cp -rL`, which takes what links lead to"

LARGEST_FILE = 2**30  # of those that are read at once

_FALLOCATE = getattr(ctypes.CDLL(None), "fallocate64", None)  # of Linux; `os.posix_fallocate` would lengthen the file
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE, see man 2 fallocate


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write the file so that a reader, or a power cut, meets the old content or the new, never a part.

    Raises:
        OSError: the disk is full or refuses; the old content stays.

    Example:
        >>> write_whole(Path("note.txt"), b"whole")
        >>> read_whole(Path("note.txt"))
        b'whole'
    """
    with create_beside(path) as (file, temporary):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, path)
    sync_folder(path.parent)


@contextmanager
def create_beside(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside a path, open for writing, and where it lies, to be renamed; what is still there goes.

    Nobody else has put it there: its name cannot be guessed, and where there is a file or a link it is not made.

    Raises:
        OSError: the disk is full or refuses.

    Example:
        >>> with create_beside(Path("note.txt")) as (file, temporary):
        ...     _ = file.write(b"whole")
        ...     _ = temporary.rename("note.txt")
        >>> [each.name for each in Path().iterdir()]
        ['note.txt']
    """
    temporary = path.with_name(f".{path.name}.{token_hex(8)}.tmp")
    with temporary.open("xb") as file:
        try:
            yield file, temporary
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left of files they wrote; for who alone writes files of that name there.

    Args:
        folder: Where the files lie.
        name: The files, a glob.

    Example:
        >>> left = Path(".table.csv.0123456789abcdef.tmp")
        >>> left.touch()
        >>> remove_unfinished(Path(), "*.csv")
        >>> left.exists()
        False
    """
    for path in folder.glob(f".{name}.*.tmp"):
        if re.fullmatch(TEMPORARY, path.name):
            path.unlink(missing_ok=True)


def is_there(path: Path) -> bool:
    """Whether a folder has an entry of this name, a link to nothing included.

    Unlike `os.path.lexists`, and `Path.exists` of some versions of Python, it takes no failing disk for an absent file:
    what is absent may be made anew, and what is made anew is lost.

    Raises:
        OSError: the disk does not say.

    Example:
        >>> is_there(Path("run.json"))
        False
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that they survive a power cut; one that is there stays as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    try:
        sync_folder(folder.parent)
    except PermissionError:  # one that may be entered but not read
        return
    except OSError:
        folder.rmdir()  # for the next time to make and sync it
        raise


def sync_folder(folder: Path) -> None:
    """Make new and renamed files of the folder survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot
            raise
    finally:
        os.close(number)


def reserve(file: int, start: int, size: int) -> None:
    """Have the disk keep room for a stretch of a file, whose length stays; where that cannot be, nothing is done.

    On ext4 it takes a fifth to a quarter off the time of writing there, of which most is spent on finding room.

    Example:
        >>> with open("journal", "wb") as file:
        ...     reserve(file.fileno(), 0, 2**20)
        >>> Path("journal").stat().st_size
        0
    """
    if _FALLOCATE:
        _FALLOCATE(file, _KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(size))


def read_whole(path: Path, *, most: int = LARGEST_FILE) -> bytes:
    """The content of a plain file of at most so many bytes; what a stranger may have put in its place is refused.

    Raises:
        LogError: the file is no plain file, is too large, or cannot be read.
        FileNotFoundError: there is none.

    Example:
        >>> Path("here").symlink_to("/dev/zero")
        >>> read_whole(Path("here"))
        Traceback (most recent call last):
        probes.errors.LogError: refused `here`: expected a plain file, got a link; move it away, or copy the run anew
    """
    check_plain(path)
    size = path.stat().st_size
    if size > most:
        raise refusal(path, f"expected at most {most} bytes, got {size}")
    try:
        return path.read_bytes()
    except PermissionError as error:
        advice = "give yourself the right to read it"
        raise refusal(path, "expected a file that can be read, got no permission", advice) from error


def check_plain(path: Path) -> None:
    """Refuse a link, a folder or a device."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise refusal(path, "expected a plain file, got a link", *([_FROM_LINKS] if path.is_file() else []))
    if not stat.S_ISREG(mode):
        raise refusal(path, "expected a plain file, got something else")


def refusal(path: Path, reason: str, advice: str = "move it away, or copy the run anew") -> LogError:
    """The error about a file that is not read: which file, why, and what to do."""
    return LogError(printable(f"refused `{path}`: {reason}; {advice}"))  # names may be strange
