"""Ends of a process that nobody announces: what waits in memory is written first, at its exit and at a SIGTERM.

What a killed process leaves, a SIGKILL or `os._exit`, nothing can add to. A signal comes between any two instructions,
also amid those that take in a row: then it is sent again a little later.
"""

import atexit
import os
import re
import signal
import threading
from contextlib import suppress
from multiprocessing import parent_process, util
from types import FrameType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

__all__ = ["LONG", "SEALING", "SHORT", "at_end", "not_at_end", "rescue_all", "rescued"]

SEALING = "probes-seal"  # name of threads that seal

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)  # that end a process: of schedulers, terminals and limits
_AGAIN = 0.02  # seconds until a signal that came amid our own work is sent again
# Modules of ours whose work is short; an export or a check of every byte may take minutes, and lets a signal in.
SHORT = ("probes.recording", "probes.measuring", "probes.models", "probes.quantities", "probes.files", "probes.log")
LONG = ("probes.log.exports", "probes.log.verification")
_AMID = re.compile(rf"(?!({'|'.join(LONG)})\b)({'|'.join(SHORT)})\b")


class Writing(Protocol):
    """What has something in memory that is still to be written."""

    def rescue(self) -> object:
        """Write it, now; called any number of times, and what it raises is dropped."""


_waiting: WeakKeyDictionary[Writing, int] = WeakKeyDictionary()  # with the thread that asked


def at_end(writing: Writing) -> None:
    """Have something rescued when the process ends, by exit or by a signal that would end it, as long as it lives.

    A signal calls what the main thread has asked for, and then whoever handled it before; where that was nobody, the
    process ends by it. Handlers that a program sets later take the place of ours, and their exit does the rest.

    Example:
        >>> class Notes:
        ...     def rescue(self) -> None: ...
        >>> notes = Notes()
        >>> at_end(notes)
        >>> not_at_end(notes)
    """
    if not _waiting:
        _exit_of_child()
    _waiting[writing] = threading.get_ident()
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if before is signal.SIG_DFL or (callable(before) and not isinstance(before, _Handler)):
                signal.signal(number, _Handler(before))


def not_at_end(writing: Writing) -> None:
    """Take it back, as all is written; with the last one our handlers go, where they are still in place.

    Example:
        >>> class Rows:
        ...     def rescue(self):
        ...         print("written")
        >>> rows = Rows()
        >>> at_end(rows)
        >>> not_at_end(rows)
    """
    _waiting.pop(writing, None)
    if not _waiting and threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            ours = signal.getsignal(number)
            if isinstance(ours, _Handler):
                signal.signal(number, ours.before)


def rescue_all(thread: int | None = None) -> None:
    """Have everything rescued that waits for the end of the process, or what one thread has asked for.

    Example:
        >>> rescue_all()
    """
    for writing, asked in list(_waiting.items()):
        if thread in {None, asked}:
            with suppress(Exception):
                writing.rescue()


def rescued(writing: Writing, begun: str) -> None:
    """Rescue what nobody holds any more, called by its ``__del__``, if it has the attribute that says that it began.

    It may be any thread that collects it: one that seals would wait for itself.

    Example:
        >>> class Rows:
        ...     begun = True
        ...     def rescue(self):
        ...         print("written")
        >>> rescued(Rows(), "begun")
        written
    """
    if getattr(writing, begun, None) and threading.current_thread().name != SEALING:
        with suppress(Exception):
            writing.rescue()


class _Handler:
    """Does what waits, then what was done before."""

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if _amid(frame):
            again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        rescue_all(threading.get_ident())
        if callable(self.before):
            self.before(number, frame)
        else:
            signal.signal(number, self.before)
            os.kill(os.getpid(), number)


def _amid(frame: FrameType | None) -> bool:
    """Whether a row is being taken in, or written."""
    while frame is not None:
        if _AMID.match(frame.f_globals.get("__name__", "")):
            return True
        frame = frame.f_back
    return False


def _exit_of_child() -> None:
    """Have the exit of a process of multiprocessing call us: where it was forked, it passes over `atexit`."""
    if parent_process() is not None:
        util.Finalize(None, rescue_all, exitpriority=0)


def _after_fork() -> None:
    """A fork has nothing to write, and ends by a signal as it would without us."""
    _waiting.clear()
    for number in _SIGNALS:
        ours = signal.getsignal(number)
        if isinstance(ours, _Handler):
            with suppress(ValueError):
                signal.signal(number, ours.before)


atexit.register(rescue_all)
os.register_at_fork(after_in_child=_after_fork)
