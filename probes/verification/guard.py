"""Work on a file that may be hostile, in a process of its own that the kernel ends when it takes too much.

HDF5 can loop, crash or take all memory on a file made for that; none of it can be caught where it happens. The process
is forked, so that it costs milliseconds and what it was meant to do is known; it must be forked from one that has
neither threads nor anything to lose, which `probes.log.verification.verify` starts.
"""

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Limits"]

_MOST_SAID = 2**22  # bytes; a process that says more is out of its mind
_WALL = 4  # seconds of the clock for each of the processor: a busy machine or a slow disk is no fault of a file
_BASE_SECONDS = 30
_SECONDS_PER_MB = 4  # what gzip packs best, one value repeated, takes 2
_BASE_BYTES = 2**31
_NO_MEMORY = 97  # exit code


@dataclass(frozen=True)
class Limits:
    """What the work on one file may take.

    Memory counts from what the process has mapped already (RLIMIT_AS): with numpy and h5py alone that is 0.2 GB, of
    which the limit is then independent, and unlike RLIMIT_DATA it also stops what maps files.

    Example:
        >>> Limits.for_bytes(10 * 2**20)
        Limits(seconds=70, memory=2189426688)
    """

    seconds: int  # of the processor
    memory: int  # bytes beyond what is mapped before

    @classmethod
    def for_bytes(cls, size: int, *, seconds: int | None = None) -> "Limits":
        """Those for a file of a size: half a minute and four seconds a MB, 2 GiB and four times its bytes."""
        fair = _BASE_SECONDS + _SECONDS_PER_MB * (size // 2**20)
        return cls(fair if seconds is None else seconds, _BASE_BYTES + 4 * size)


def guarded(work: Callable[[], Iterable[Any]], limits: Limits) -> tuple[list[Any], str]:
    """What the work yielded, as far as JSON can hold it, and what ended it early: nothing, if it came to its end."""
    source, sink = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(source)
        _work(work, limits, sink)

    os.close(sink)
    whole = False
    try:
        said, whole = _heard(source, time.monotonic() + _WALL * limits.seconds)
    finally:
        os.close(source)
        if not whole:
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    return _parsed(said), _ending(os.waitstatus_to_exitcode(status), limits, whole=whole)


def _work(work: Callable[[], Iterable[Any]], limits: Limits, sink: int) -> NoReturn:
    code = 1
    try:
        _confine(limits)
        with os.fdopen(sink, "w") as stream:
            for each in work():
                stream.write(json.dumps(each) + "\n")
                stream.flush()
        code = 0
    except MemoryError:
        code = _NO_MEMORY
    finally:
        os._exit(code)  # nothing of the parent's is to be ended here


def _confine(limits: Limits) -> None:
    """Let the process take no more than the limits, write no file, and be quiet."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, max(1, limits.seconds)),
        (resource.RLIMIT_AS, _mapped() + limits.memory),
    ):
        _, hard = resource.getrlimit(what)
        with suppress(ValueError, OSError):  # a system that does not know one of them has the others
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _mapped() -> int:
    """Bytes of address space that the process has."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return _BASE_BYTES


def _heard(source: int, deadline: float) -> tuple[bytes, bool]:
    """All that was said, and whether its end was reached in time."""
    said = bytearray()
    while len(said) < _MOST_SAID:
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return bytes(said), False
        data = os.read(source, 2**16)
        if not data:
            return bytes(said), True
        said += data
    return bytes(said), False


def _parsed(said: bytes) -> list[Any]:
    """The whole lines; the last one may have been cut off."""
    found = []
    for line in said.split(b"\n")[:-1]:
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return found


def _ending(code: int, limits: Limits, *, whole: bool) -> str:
    if code == -signal.SIGXCPU or not whole:
        return f"took longer than {limits.seconds} s; give it more time (--seconds)"
    if code == _NO_MEMORY:
        return f"took more than {limits.memory / 2**30:.1f} GiB of memory"
    if code < 0:
        return f"ended the checking process (signal {-code})"
    return f"ended the checking process (exit code {code})" if code else ""
