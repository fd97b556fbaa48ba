"""Forks of a process that records, also while its thread seals: they refuse to write, and harm nothing."""

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from tests.torture.material import STEPS, append, unlike_whole
from tests.torture.processes import Tell, in_child
from tests.torture.recording import Task

from probes.errors import RunError
from probes.log import open_log
from probes.log.writing import RunWriter

COUNT, SHORT = 60, 3
CHECKED = "the fork refuses in a line, and records a run of its own; the parent's log whole"

_ROWS = 40
_SCRIPT = """
import os, sys
from pathlib import Path
from tests.torture.recording import Task
task = Task(Path(sys.argv[1]), {rows}, block_rows=3)
writer = task.open()
for row in range({rows}):
    task.append(writer, row)
    if row % 5 == 0 and os.fork() == 0:
        {end}
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
writer.close()
"""
_ENDS = ("sys.exit()", "raise KeyboardInterrupt", "del writer, task; sys.exit()", "writer.close()", "break")


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every run with forks: empty, or what they broke."""
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trial = _ends_as_any_process if number % 3 == 2 else _tries_to_write
        fault = trial(folder, rng)
        yield f"{trial.__name__.strip('_')}: {fault}" if fault else ""


def _tries_to_write(folder: Path, rng: np.random.Generator) -> str:
    """Forks at random rows, at work with the parent's writer and with one of their own."""
    task = Task.drawn(folder, rng, _ROWS)
    rows = set(rng.integers(0, _ROWS, 5).tolist())

    def work(tell: Tell) -> None:
        with task.open() as writer:
            for row in range(_ROWS):
                append(writer, row)
                if row in rows:
                    told, ending = in_child(partial(_misuse, writer, folder / f"own-{row}"))
                    tell(ending or ", ".join(told))

    told, ending = in_child(work)
    strange = [line for line in told if line != "refused, refused, refused, refused, refused, well"]
    return ending or "; ".join(strange) or unlike_whole(open_log(task.path), _ROWS)


def _misuse(writer: RunWriter, own: Path, tell: Tell) -> None:
    deeds: tuple[Callable[[], object], ...] = (
        lambda: append(writer, _ROWS),
        lambda: writer.log(1, {"loss": 0.0}),
        writer.flush,
        lambda: writer.position(int(STEPS[_ROWS])),
        writer.close,
    )
    for deed in deeds:
        try:
            deed()
            tell("let in")
        except RunError as error:
            tell("refused" if "got its fork" in str(error) and "\n" not in str(error) else str(error))
    with writer:
        pass
    own.mkdir()
    task = Task(own, _ROWS, block_rows=3)
    task(lambda _: None)
    gc.collect()
    tell(unlike_whole(open_log(task.path), _ROWS) or "well")


def _ends_as_any_process(folder: Path, rng: np.random.Generator) -> str:
    """Forks that end as Python does: with threads awaited, exit handlers and destructors."""
    script = _SCRIPT.format(rows=_ROWS, end=rng.choice(_ENDS))
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, check=False, timeout=120
    )
    fault = unlike_whole(open_log(Task(folder).path), _ROWS)
    return (f"exit code {done.returncode}: {done.stderr[-300:]!r}" if done.returncode else "") or fault
