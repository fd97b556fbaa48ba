"""Ctrl-C at every place of the store where Python looks for signals, in a training that minds it or goes on.

Python looks when a function begins, after a call, and when a loop turns back; a tracer raises there.
"""

import dis
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
from tests.torture.material import STEPS, append, unlike_whole
from tests.torture.processes import Tell, in_child
from tests.torture.recording import Task

import probes
from probes.errors import ProbesError
from probes.log import open_log
from probes.log.writing import RunWriter

COUNT, SHORT = 600, 24
CHECKED = "no hang; the log is closed, or recording goes on; nothing lost but the row in hand, and it goes on"

_ROWS = 18
_FILES = (*(str(Path(probes.__file__).parent / name) for name in ("files", "logs", "store")), threading.__file__)
Way = Callable[[Task, Tell, Callable[[], object]], object]
_INTERRUPTS = (KeyboardInterrupt, RuntimeError)  # the latter from Condition.wait, for want of the lock it gave back
_LOOKS_AFTER = {"RESUME", "JUMP_BACKWARD", "CALL", "CALL_FUNCTION_EX", "CALL_KW"}


class Tracer:
    """Raises KeyboardInterrupt at the place of a number; counts the places.

    Args:
        place: Its number; -1: none.
    """

    def __init__(self, place: int) -> None:
        self.count = 0
        self._place = place
        self._before: dict[int, int] = {}  # frame -> what it did last

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        """Follow the frames of the store."""
        if not frame.f_code.co_filename.startswith(_FILES):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "opcode":
            before = self._before.get(id(frame), -1)
            self._before[id(frame)] = frame.f_lasti
            if before >= 0 and _looks(frame.f_code, before):
                self.count += 1
                if self.count == self._place + 1:
                    raise KeyboardInterrupt
        elif event == "return":
            self._before.pop(id(frame), None)
        return self._step


def _looks(code: CodeType, place: int) -> bool:
    return dis.opname[code.co_code[place]] in _LOOKS_AFTER


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every interrupt, its place drawn by the seed: empty, or what it broke."""
    ways = (_ends, _goes_on, _goes_on_and_is_killed)
    counts = {way: _places(way, folder) for way in ways}
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        way = ways[number % len(ways)]
        place = int(rng.integers(counts[way]))
        task = _fresh(folder)
        told, ending = in_child(partial(_traced, way, place, task))
        fault = _broken(way, task, told, ending)
        yield f"{way.__name__.strip('_')}, place {place} of {counts[way]}: {fault}" if fault else ""


def _fresh(folder: Path) -> Task:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Task(folder, _ROWS, block_rows=5, flush_every=2, safe_every=99, keep_every=4, flush_seconds=1e9)


def _places(way: Way, folder: Path) -> int:
    told, ending = in_child(lambda tell: _traced(way, -1, _fresh(folder), tell))
    counts = [int(line.split()[1]) for line in told if line.startswith("places")]
    if not counts:
        raise RuntimeError(f"expected a training to go well that nobody interrupts, got {ending}")
    return counts[0]


def _traced(way: Way, place: int, task: Task, tell: Tell) -> None:
    tracer = Tracer(place)

    def done() -> None:
        sys.settrace(None)
        tell(f"places {tracer.count}")

    sys.settrace(tracer)
    way(task, tell, done)


def _ends(task: Task, tell: Tell, done: Callable[[], object]) -> None:
    """Leave the `with` block."""
    with suppress(*_INTERRUPTS):
        task(tell)
    done()


def _goes_on(task: Task, tell: Tell, done: Callable[[], object], *, killed: bool = False) -> None:
    """Catch it and go on, as one does in a notebook; what was interrupted is called again, but for a row."""
    writer = _again(task.open)
    for row in range(_ROWS):
        _append(writer, row, tell)
        if row % task.keep_every == task.keep_every - 1:
            position = _again(partial(writer.position, int(STEPS[row])))
            _again(partial(task.keep, position))
            tell(f"kept {position.rows}")
    if not killed:
        _again(writer.close)
    done()
    if killed:
        os._exit(9)


def _append(writer: RunWriter, row: int, tell: Tell) -> None:
    """Leave the row out if it is interrupted, but for the first, without which no log begins."""
    try:
        append(writer, row)
    except _INTERRUPTS:
        tell(f"skipped {row}")
        if row == 0:
            with suppress(ValueError):  # it is in
                append(writer, row)


def _goes_on_and_is_killed(task: Task, tell: Tell, done: Callable[[], object]) -> None:
    """The same, and it never comes to the end."""
    _goes_on(task, tell, done, killed=True)


def _again(call: Callable[[], Any]) -> Any:
    with suppress(*_INTERRUPTS):
        return call()
    return call()


def _broken(way: Way, task: Task, told: list[str], ending: str) -> str:
    skipped = frozenset(int(line.split()[1]) for line in told if line.startswith("skipped"))
    try:
        if way is _goes_on:
            return ending or unlike_whole(open_log(task.path), _ROWS, without=skipped)
        if ending and not ending.startswith("exit code 9:"):
            return ending
        return task.left_wrong(told, without=skipped) or task.end_wrong(without=skipped)
    except ProbesError as error:
        return f"not read: {error}"
