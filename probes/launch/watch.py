"""Watching a program for the first step of an optimizer, from before it imports torch until it has ended.

Nothing heavy is imported here: what the program sets before it imports torch has to count, and a program that trains
nothing should not wait for it.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from probes.launch.import_hook import when_imported
from probes.launch.plan import Plan
from probes.launch.recording_process import Home

__all__ = ["Watch"]

_SESSIONS = "probes.launch.sessions"  # loads torch
_FORKED = "training in processes that were forked from this one is not recorded"
_NO_STEP = (
    "nothing was recorded: no optimizer of torch.optim made a step in this process (in processes that a program starts "
    "itself, as with torch.multiprocessing.spawn, training cannot be recorded; in those of torchrun it can)"
)


class Watch:
    """What a program trains, recorded as its plan says; no fault of that reaches the program.

    Args:
        plan: What is recorded.

    Example:
        >>> from pathlib import Path
        >>> from probes.launch.program import Program
        >>> watch = Watch(Plan(Program("train.py"), Path("runs/train")))
        >>> watch.begin()
        >>> watch.ended(None)
        >>> watch.end()
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan.absolute()  # the program may change the directory
        self._root = plan.root
        self._home = Home()
        self._hook = _Hook(self._stepping)
        self._sessions: Any = None
        self._preparing = threading.Lock()
        self._began = self._met = 0.0  # when the first optimizer was met, and the time that this took of all
        self._ending = ("finished", "")
        self._ended = False  # with another exit code than 0
        self._told: set[str] = set()

    def begin(self) -> None:
        """Wait for torch, and then for the first step of an optimizer."""
        when_imported("torch", self._hook.attach)
        when_imported("torch._dynamo", self._hook.never_compile)
        atexit.register(self.end)

    def ended(self, error: BaseException | None) -> None:
        """Know how the program has ended; threads of it may go on."""
        self._ended = error is not None and getattr(error, "code", 1) not in (None, 0)
        match error:
            case None | SystemExit(code=None | 0):
                pass
            case SystemExit(code=code):
                self._ending = ("failed", f"the program ended with exit code {code if isinstance(code, int) else 1}")
            case _:
                status = "failed" if isinstance(error, Exception) else "interrupted"
                self._ending = (status, f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": "))

    def end(self) -> None:
        """Complete the runs and say what was recorded; the interpreter calls it when it ends."""
        atexit.unregister(self.end)
        self._hook.detach()
        if self._home.here():
            self._quietly(self._complete)

    def insist(self) -> None:
        """End the process where recording was refused, and the program has gone on or has hidden it.

        A thread ends alone with the SystemExit that it meets, and a program can catch it. Called last of all.
        """
        code = 0 if self._sessions is None else self._sessions.refused
        if code and not self._ended and self._home.here():
            for stream in (sys.stdout, sys.stderr):
                with suppress(AttributeError, OSError, ValueError):
                    stream.flush()
            os._exit(code)

    def _stepping(self, optimizer: Any) -> None:
        began = time.perf_counter()
        if self._sessions is None and self._home.here():
            with self._preparing:  # the steps of other threads have to wait until they can be recorded
                if not self._began:
                    self._quietly(self._prepare)
        if self._sessions is not None:
            self._quietly(self._sessions.meet, optimizer)
        self._met += time.perf_counter() - began

    def _prepare(self) -> None:
        self._began = time.perf_counter()
        self._sessions = import_module(_SESSIONS).Sessions(self._plan, self._home, self._say)
        # After those of the libraries that the runs are written with: what is registered last is called first.
        atexit.unregister(self.end)
        atexit.register(self.end)

    def _complete(self) -> None:
        forked = _FORKED if self._home.asked_elsewhere else ""
        if self._sessions is None:
            self._say(forked or _NO_STEP)
            return
        if self._sessions.refused:  # and the reason is on the screen
            return

        status, reason = self._ending
        self._sessions.end(status, "; ".join(filter(None, (reason, forked))))
        took = time.perf_counter() - self._began
        for line in filter(None, (forked, *self._sessions.summary(self._root, took, self._met))):
            self._say(line)

    def _say(self, text: str) -> None:
        # Not `sys.stderr`, which may be an object of the program's own.
        if text not in self._told and sys.__stderr__ is not None:
            self._told.add(text)
            with suppress(OSError, ValueError):  # it may be closed
                sys.__stderr__.write(f"probes: {text}\n")
                sys.__stderr__.flush()

    def _quietly(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001 - no fault of recording may change what the program does
            self._say(f"a fault of recording, the program goes on: {type(error).__name__}: {error}".splitlines()[0])


class _Hook:
    """What torch calls before any optimizer makes a step."""

    def __init__(self, told: Callable[[Any], object]) -> None:
        self._told = told
        self._handle: Any = None

    def __call__(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._told(optimizer)

    def attach(self) -> None:
        self._handle = sys.modules["torch.optim.optimizer"].register_optimizer_step_pre_hook(self)

    def never_compile(self) -> None:
        """Be left out where a step is compiled; to say so loads what compiles, so it has to be there already."""
        self._told = sys.modules["torch"].compiler.disable(self._told)

    def detach(self) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
