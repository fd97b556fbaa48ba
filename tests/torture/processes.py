"""Processes that may be killed, crash or hang without harm to the trial that started them."""

import faulthandler
import os
import select
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn

__all__ = ["Forked", "in_child"]

Tell = Callable[[str], None]

_FAILED = 70  # exit code after an exception
_PATIENCE = 60.0  # seconds until a process counts as hanging; a busy machine is slow


class Forked:
    """A forked process that works and tells lines, which are safe with us whatever becomes of it."""

    def __init__(self, work: Callable[[Tell], object]) -> None:
        self._source, sink = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._source)
            _work(work, sink)
        os.close(sink)
        self._process = os.pidfd_open(self.pid)  # can be read when it has ended
        self._text = ""
        self._waited_for = {self._source, self._process}

    @property
    def told(self) -> list[str]:
        """Lines that have come so far."""
        return self._text.split("\n")[:-1]

    def wait_for(self, start: str, count: int = 1) -> bool:
        """Whether so many lines that start so came before the process ended."""
        while (found := sum(line.startswith(start) for line in self.told)) < count and self._pump(_PATIENCE):
            pass
        return found >= count

    def pause(self, seconds: float) -> None:
        """Take in what is told for a while, or until the process has ended."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._pump(left):
            pass

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; the process is still there, if only as one that has ended."""
        os.kill(self.pid, number)

    def end(self, patience: float = _PATIENCE) -> str:
        """How it ended, whoever it forked lives on: nothing, if well; a process that hangs is killed."""
        self.pause(patience)
        hangs = self._process in self._waited_for
        if hangs:
            self.kill()
            self.pause(_PATIENCE)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._source)
        os.close(self._process)
        return "hangs" if hangs else _ending(os.waitstatus_to_exitcode(status), self.told)

    def _pump(self, seconds: float) -> bool:
        """Take in what there is, or wait for it so long; False when nothing came, or can come any more."""
        ready = select.select(self._waited_for, [], [], seconds)[0] if self._waited_for else []
        if self._source in ready:
            data = os.read(self._source, 2**16)
            self._text += data.decode()
            if not data:
                self._waited_for.discard(self._source)
        elif ready:
            self._waited_for.clear()
        return bool(ready and self._waited_for)


def in_child(work: Callable[[Tell], object], patience: float = _PATIENCE) -> tuple[list[str], str]:
    """The lines that a process told which did the work, and how it ended: nothing, if well."""
    child = Forked(work)
    ending = child.end(patience)
    return child.told, ending


def _ending(code: int, told: list[str]) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return "" if code == 0 else f"exit code {code}: {told[-1] if told else 'nothing told'}"


def _work(work: Callable[[Tell], object], sink: int) -> NoReturn:
    code = _FAILED
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.simplefilter("ignore")
        faulthandler.disable()  # how it ended is told
        threading.excepthook = lambda failed: _fail(sink, f"in thread {failed.thread}: {failed.exc_value!r}")
        work(lambda line: _tell(sink, line))
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, our parent must hear of it
        _tell(sink, " | ".join(traceback.format_exc().split("\n")))
    finally:
        os._exit(code)


def _fail(sink: int, line: str) -> NoReturn:
    _tell(sink, line)
    os._exit(_FAILED)


def _tell(sink: int, line: str) -> None:
    data = (line + "\n").encode()
    while data:
        data = data[os.write(sink, data) :]
