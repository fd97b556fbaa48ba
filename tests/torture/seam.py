"""Every call of the system that the store makes on a run's files, told one by one, and made to go wrong when asked.

What Python calls is replaced: the functions of `os`, `fcntl.flock`, and `open`, whose files tell of every single write.
HDF5 files are read by C; opening one counts as one call. A test holds this against what strace sees.
"""

import builtins
import errno
import fcntl
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple
from unittest import mock

import h5py

__all__ = ["Answer", "Call", "Seam"]

_ON_PATHS = ("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "link", "symlink", "truncate", "open", "utime")
_LOOKS = ("stat", "lstat", "listdir", "scandir", "access")
_ON_FILES = ("write", "writev", "pwrite", "pwritev", "read", "pread", "fsync", "fdatasync", "ftruncate", "close")
WRITES = frozenset({"write", "writev", "pwrite", "pwritev"})
READS = frozenset({*_LOOKS, "read", "pread", "open r", "h5f.open"})
_FROM_TO = {"rename", "replace", "link", "symlink"}
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_TEMPORARY = re.compile(r"\.[0-9a-f]+\.tmp$")


class Call(NamedTuple):
    """One call: what, on which file, for the how-manieth time; threads do not change that."""

    name: str
    file: str
    number: int


class Answer(Enum):
    """What becomes of a call."""

    GO = "goes well"
    NO_SPACE = "no space"
    FAILS = "input/output error"
    SHORT = "half is written, then no space"
    TORN = "half is written, then all ends"
    ENDS = "all ends before it"


class Seam:
    """Between the store and the system, for the files below a folder.

    Args:
        folder: Calls on its files are told; others pass.
        answer: Says what becomes of a call.
        end: Called where all is to end; it does not come back.
        before: Told of every call that is about to be made: name, path, and the path that a file is renamed to.
        after: Told the same when it went well; or the name with `failed`.
    """

    def __init__(
        self,
        folder: Path,
        answer: Callable[[Call], Answer],
        *,
        end: Callable[[], object] = lambda: os._exit(9),
        before: Callable[..., object] = lambda *_: None,
        after: Callable[..., object] = lambda *_: None,
    ) -> None:
        self._folder = os.path.realpath(folder)
        self._answer, self._end, self._before, self._after = answer, end, before, after
        self._counts: Counter[tuple[str, str]] = Counter()
        self._turn = RLock()  # one call at a time
        self._out_of_space: set[str] = set()  # files that were written in part
        self._inside = False
        self._links = os.readlink

    @contextmanager
    def __call__(self) -> Iterator["Seam"]:
        """The seam at work."""
        with ExitStack() as stack:
            for name in (*_ON_PATHS, *_LOOKS, *_ON_FILES):
                stack.enter_context(mock.patch.object(os, name, self._stand_in(name, getattr(os, name))))
            stack.enter_context(mock.patch.object(fcntl, "flock", self._stand_in("flock", fcntl.flock)))
            stack.enter_context(mock.patch.object(h5py.h5f, "open", self._stand_in("h5f.open", h5py.h5f.open)))
            opened = partial(_opened, self, io.open)
            for module in (io, builtins):
                stack.enter_context(mock.patch.object(module, "open", opened))
            yield self

    def heal(self) -> None:
        """Let every file be written to again."""
        self._out_of_space.clear()

    def finish(self) -> None:
        """Let all end now, whatever other threads are about to do."""
        with self._turn:
            self._inside = True
            self._end()

    def covers(self, path: str) -> bool:
        """Whether calls on the path are told."""
        return path == self._folder or path.startswith(self._folder + os.sep)

    def at(
        self, name: str, path: str, go: Callable[[], Any], half: Callable[[], int] | None = None, to: str = ""
    ) -> Any:
        """Have a call made, or what was asked for instead."""
        with self._turn:
            if self._inside or not self.covers(path):
                return go()
            self._inside = True  # what a call does inside, and what looks on, is not told
            try:
                return self._made(name, path, go, half, to)
            finally:
                self._inside = False

    def _made(self, name: str, path: str, go: Callable[[], Any], half: Callable[[], int] | None, to: str) -> Any:
        file = _TEMPORARY.sub(".N.tmp", os.path.relpath(path, self._folder))
        self._counts[name, file] += 1
        answer = self._answer(Call(name, file, self._counts[name, file]))
        if path in self._out_of_space and name in WRITES:
            self._out_of_space.discard(path)
            answer = Answer.NO_SPACE
        if answer is Answer.ENDS:
            self._end()
        if answer in {Answer.NO_SPACE, Answer.FAILS}:
            if name == "close":
                go()  # as Linux does, whatever it says
            self._after(f"{name} failed", path, to)
            number = errno.ENOSPC if answer is Answer.NO_SPACE else errno.EIO
            raise OSError(number, os.strerror(number), path)
        self._before(name, path, to)
        if half is not None and answer in {Answer.SHORT, Answer.TORN}:
            go = half
            self._out_of_space.add(path)
        result = go()
        self._after(name, path, to)
        if answer is Answer.TORN:
            self._end()
        return result

    def _stand_in(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            told = "open r" if name == "open" and not arguments[1] & _CHANGING else name
            path = self.path_of(arguments[0] if arguments else ".")
            to = self.path_of(arguments[1]) if name in _FROM_TO else ""
            half = partial(_half, name, original, arguments) if name in WRITES else None
            return self.at(told, path, partial(original, *arguments, **options), half, to)

        return call

    def path_of(self, place: Any) -> str:
        """The path of an open file, of its number, or of a name."""
        try:
            number = place.fileno() if hasattr(place, "fileno") else place
            if isinstance(number, int):
                return self._links(f"/proc/self/fd/{number}").removesuffix(" (deleted)")
        except OSError:  # a file in memory, or a closed one
            return ""
        return str(Path(os.fsdecode(number)).absolute()) if isinstance(number, str | bytes | os.PathLike) else ""


def _half(name: str, original: Callable[..., int], arguments: tuple[Any, ...]) -> int:
    """Have half of the bytes written, as the system does before a disk is full."""
    file, data, *offset = arguments
    if name in {"writev", "pwritev"}:
        data = [b"".join(data)]
        return original(file, [data[0][: len(data[0]) // 2]], *offset)
    return original(file, memoryview(data)[: len(data) // 2], *offset)


class _File(io.FileIO):
    """A file that tells of what is done with it."""

    def __init__(self, seam: Seam, path: str, mode: str) -> None:
        self._seam, self._path = seam, path
        super().__init__(path, mode)

    def write(self, data: Any, /) -> int:
        half = partial(super().write, memoryview(data)[: len(data) // 2])
        return int(self._seam.at("write", self._path, partial(super().write, data), half))

    def readinto(self, buffer: Any, /) -> Any:
        return self._seam.at("read", self._path, partial(super().readinto, buffer))

    def readall(self) -> Any:
        return self._seam.at("read", self._path, super().readall)

    def truncate(self, size: int | None = None, /) -> int:
        return int(self._seam.at("ftruncate", self._path, partial(super().truncate, size)))

    def close(self) -> None:
        if self.closed:
            return
        self._seam.at("close", self._path, super().close)


def _opened(seam: Seam, original: Callable[..., Any], file: Any, *given: Any, **named: Any) -> Any:
    """What `open` gives, built so that every call below it is told."""
    options = dict(zip(("mode", "buffering", "encoding", "errors", "newline"), given, strict=False)) | named
    path, mode = "" if isinstance(file, int) else seam.path_of(file), options.get("mode", "r")
    if not seam.covers(path):
        return original(file, *given, **named)
    plain = mode.replace("b", "").replace("t", "")
    raw = seam.at("open r" if plain == "r" else "open", path, partial(_File, seam, path, plain))
    if options.get("buffering") == 0:
        return raw
    buffer = io.BufferedRandom if "+" in plain else io.BufferedReader if plain == "r" else io.BufferedWriter
    return buffer(raw) if "b" in mode else io.TextIOWrapper(buffer(raw), options.get("encoding"))
