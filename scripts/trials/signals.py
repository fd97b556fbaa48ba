"""Ctrl-C, once or twice, and SIGTERM at random moments of a process that records in a `with` block."""

import shutil
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
from tests.torture.processes import Forked, Tell
from tests.torture.recording import Task

from probes.log import open_log

COUNT, SHORT = 90, 8
CHECKED = "Ctrl-C ends the process, never swallowed, and closes the log; nothing vouched for lost; it goes on"

_LONGEST = 0.01  # seconds from a line that is told to the signal


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every signal that met the process alive: empty, or what it broke."""
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        met = False
        while not met:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            task = Task.drawn(folder, rng)
            fault, met = _signalled(task, rng)
        fault = fault or task.end_wrong()
        yield f"{task}: {fault}" if fault else ""


def _signalled(task: Task, rng: np.random.Generator) -> tuple[str, bool]:
    """What the signal broke, and whether the process met it."""
    name = str(rng.choice(["SIGINT", "SIGINT twice", "SIGTERM"]))
    child = Forked(lambda tell: _record(task, tell))
    child.wait_for("ready")
    start = str(rng.choice(["ready", "open", "safe", "kept", "close"]))
    child.wait_for(start, int(rng.integers(1, 6)) if start == "safe" else 1)
    for number in (signal.SIGTERM,) if name == "SIGTERM" else (signal.SIGINT,) * (1 + name.endswith("twice")):
        child.pause(rng.uniform(0, _LONGEST))
        child.kill(number)
    ending = child.end()
    fault = task.left_wrong(child.told) or _ended_wrong(task, child.told, ending, name)
    met = ending == "killed by SIGTERM" or any(line == "seen" for line in child.told)
    return (f"{name}: {fault}, told {child.told[-4:]}" if fault else ""), met or bool(fault)


def _ended_wrong(task: Task, told: list[str], ending: str, name: str) -> str:
    if name == "SIGTERM":
        return "" if ending in {"", "killed by SIGTERM"} else ending
    if ending or ("seen" in told) != ("interrupted" in told):
        return ending or "swallowed"
    closing = "seen" not in told or "close" in told[: told.index("seen")] or told.count("seen") > 1
    opened = any(line.startswith("open") for line in told)
    return "" if closing or not opened or open_log(task.path).status == "interrupted" else "not closed"


def _record(task: Task, tell: Tell) -> None:
    over = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not over:
            tell("seen")
            raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, interrupt)
        tell("ready")
        task(tell)
    except KeyboardInterrupt:
        over = True  # a second one could come here; before a call Python does not look
        tell("interrupted")
