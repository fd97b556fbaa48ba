"""A second writer beside one that records: another process, a fork, the same process; and locks left by the dead."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tests.torture.material import STEPS, append, manifest, unlike_whole
from tests.torture.processes import Forked, Tell, in_child
from tests.torture.recording import Task

from probes.errors import RunError
from probes.log import open_log
from probes.log.layout import LOCK
from probes.log.writing import Position, RunWriter

COUNT, SHORT = 60, 6
CHECKED = "the second is refused in a line that names the first; the first unharmed; the dead hold no lock"

_WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"overwrite": True},
    {"resume": Position()},
    {"resume": Position(step=4, rows=4)},
)


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every rival: empty, or what it broke."""
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trial = _TRIALS[number % len(_TRIALS)]
        fault = trial(Task.drawn(folder, rng), rng)
        yield f"{trial.__name__.strip('_')}: {fault}" if fault else ""


def _another_process(task: Task, rng: np.random.Generator) -> str:
    """While the first one records, others try to."""
    first = Forked(task)
    first.wait_for("safe", int(rng.integers(1, 5)))
    first.kill(signal.SIGSTOP)  # so that it is at work for sure
    told, ending = in_child(lambda tell: _try_all(task, tell))
    first.kill(signal.SIGCONT)
    fault = ending or _refused(told, first.pid)
    return fault or first.end() or unlike_whole(open_log(task.path), task.rows)


def _the_same_process(task: Task, rng: np.random.Generator) -> str:
    """A writer beside one in its own process, and in a fork of it."""

    def work(tell: Tell) -> None:
        with task.open() as writer:
            for row in range(task.rows):
                append(writer, row)
                if row == task.rows // 2:
                    _try_all(task, tell)
                    told, ending = in_child(lambda tell_us: _try_all(task, tell_us))
                    tell(ending or _refused(told, os.getpid()) or "well")

    child = Forked(work)
    ending = child.end()
    fault = ending or _refused(child.told[: len(_WAYS)], child.pid)
    return fault or (unlike_whole(open_log(task.path), task.rows) if child.told[-1] == "well" else child.told[-1])


def _try_all(task: Task, tell: Tell) -> None:
    for way in _WAYS:
        try:
            RunWriter(task.path, manifest(), **way)
            tell("let in")
        except RunError as error:
            tell(str(error))


def _refused(told: list[str], process: int) -> str:
    """What is wrong with how the rivals were refused."""
    here = f"process {process} on {socket.gethostname()}"
    strange = [line for line in told if "expected no other writer of `" not in line or here not in line]
    return "" if len(told) == len(_WAYS) and not strange else f"expected refusals by {here}, got {strange or told}"


def _a_stale_lock(task: Task, rng: np.random.Generator) -> str:
    """A note of a process that is dead, whose number another has by now, or that says nothing."""
    first = Forked(task)
    first.wait_for("kept")
    first.kill()
    first.end()
    notes = ["", "\0", "nonsense", f"{socket.gethostname()} {os.getpid()} 1", f"{socket.gethostname()} 999999 77"]
    (task.path / LOCK).write_text(str(rng.choice(notes[1:])))
    status = open_log(task.path).status
    return (f"status {status}" if status != "stopped" else "") or task.left_wrong(first.told) or task.end_wrong()


def _a_fork_that_outlives(task: Task, rng: np.random.Generator) -> str:
    """The writer is killed, or closes, while a process forked from it lives on; the next writer is let in."""
    killed = bool(rng.random() < 0.5)

    def work(tell: Tell) -> None:
        with task.open() as writer:
            for row in range(task.rows // 2):
                append(writer, row)
            task.keep(writer.position(int(STEPS[task.rows // 2 - 1])))
            fork = Forked(lambda _: time.sleep(60))
            tell(f"fork {fork.pid}")
            if killed:
                os._exit(9)

    child = Forked(work)
    ending = child.end()
    fault = "" if ending == "" or killed else ending
    fault = fault or task.end_wrong()
    os.kill(int(child.told[-1].split()[1]), signal.SIGKILL)
    return fault


_TRIALS: tuple[Callable[[Task, np.random.Generator], str], ...] = (
    _another_process,
    _the_same_process,
    _a_stale_lock,
    _a_fork_that_outlives,
)
