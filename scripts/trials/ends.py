"""What a script does not announce: no close, SIGTERM, another directory, a folder that is taken away, planted links."""

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from tests.torture.material import append, manifest, unlike_whole, wrong
from tests.torture.processes import Forked, Tell, in_child
from tests.torture.recording import Task

from probes.errors import ProbesError
from probes.log import open_log
from probes.log.layout import JOURNAL, LOCK, MANIFEST, MERGED, SEGMENT
from probes.log.writing import RunWriter

COUNT, SHORT = 120, 12
CHECKED = "every row that was taken in is there, in its own run; nobody else's file is written to"


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every end: empty, or what it broke."""
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trial = _TRIALS[number % len(_TRIALS)]
        task = Task.drawn(folder, rng)
        fault = trial(task, rng)
        yield f"{trial.__name__.strip('_')} of {task}: {fault}" if fault else ""


def _terminated(task: Task, rng: np.random.Generator) -> str:
    """SIGTERM at any moment of a process that has its writer open, and no handler."""

    def work(tell: Tell) -> None:
        writer = task.open()
        for row in range(task.rows):
            append(writer, row)
            tell(f"row {row + 1}")
        signal.pause()

    child = Forked(work)
    child.wait_for("row", int(rng.integers(1, task.rows)))
    child.pause(rng.uniform(0, 0.003))
    child.kill(signal.SIGTERM)
    ending = child.end()
    told = sum(line.startswith("row") for line in child.told)
    return _kept(task, told) if ending == "killed by SIGTERM" else f"ended by {ending or 'itself'}"


def _dropped(task: Task, rng: np.random.Generator) -> str:
    """Nobody has the writer any more."""
    rows = int(rng.integers(1, task.rows))

    def work(tell: Tell) -> None:
        writer = task.open()
        for row in range(rows):
            append(writer, row)
        del writer
        gc.collect()

    _, ending = in_child(work)
    return ending or _kept(task, rows)


def _elsewhere(task: Task, rng: np.random.Generator) -> str:
    """The script goes to a directory where another run has the same relative path."""
    before, other = task.folder / "here", task.folder / "there"
    rows = int(rng.integers(1, task.rows))

    def record(tell: Tell, to: Path, most: int) -> None:
        writer = RunWriter("runs/seed-0", manifest(), block_bytes=2000, pack_bytes=task.pack_bytes)
        for row in range(most):
            if row == most // 2:
                os.chdir(to)
            append(writer, row)
        writer.close()

    for folder, to, most in ((other, other, task.rows), (before, other, rows)):
        folder.mkdir()
        back = Path.cwd()
        os.chdir(folder)
        _, ending = in_child(lambda tell, to=to, most=most: record(tell, to, most))
        os.chdir(back)
        if ending:
            return ending
    return next(
        (fault for at, most in ((other, task.rows), (before, rows)) if (fault := _whole(at / "runs/seed-0", most))), ""
    )


def _anew(task: Task, rng: np.random.Generator) -> str:
    """The folder is deleted, renamed or emptied, and recorded into anew, while the first writer still goes on."""
    rows, way = int(rng.integers(1, task.rows)), int(rng.integers(3))

    def work(tell: Tell) -> None:
        first = task.open()
        for row in range(rows):
            append(first, row)
        _take_away(task.path, way)
        second = task.open()
        for row in range(task.rows):
            append(second, row)
            if row == task.rows // 2:
                _go_on(first, rows)
        second.close()
        _go_on(first, rows)

    _, ending = in_child(work)
    return ending or _whole(task.path, task.rows)


def _take_away(path: Path, way: int) -> None:
    if way == 0:
        path.rename(path.with_name("old"))
    elif way == 1:
        for file in path.iterdir():
            file.unlink(missing_ok=True)
    else:
        while path.exists():  # until nothing is sealed into it meanwhile
            shutil.rmtree(path, ignore_errors=True)


def _go_on(writer: RunWriter, row: int) -> None:
    for go in (lambda: append(writer, row), writer.flush, writer.close):
        try:
            go()
        except (ProbesError, ValueError):  # it is refused, or the row is there already
            continue


def _planted(task: Task, rng: np.random.Generator) -> str:
    """Links in the folder, by every name that a writer is known to use, which lead to files of others."""
    victim = task.folder / "victim"
    victim.write_text("precious")
    task.path.mkdir(parents=True)
    names = [f".{name}.{os.getpid()}.tmp" for name in (MERGED, MANIFEST, SEGMENT.format(0))]
    names += [JOURNAL.format(1), SEGMENT.format(1), MERGED, MANIFEST, LOCK]
    for name in rng.choice(names, size=3, replace=False):
        (task.path / name).symlink_to(victim)

    def work(tell: Tell) -> None:
        try:
            with RunWriter(task.path, manifest(), overwrite=True, block_bytes=2000) as writer:
                for row in range(task.rows):
                    append(writer, row)
        except ProbesError as error:
            tell(f"refused {error}")

    told, ending = in_child(work)
    if victim.read_text() != "precious":
        return "another's file was written to"
    return ending or ("" if told else _whole(task.path, task.rows))


def _kept(task: Task, rows: int) -> str:
    try:
        return wrong(open_log(task.path), least=rows)
    except ProbesError as error:
        return f"not read: {error}"


def _whole(path: Path, rows: int) -> str:
    try:
        return unlike_whole(open_log(path), rows)
    except ProbesError as error:
        return f"not read: {error}"


_TRIALS: tuple[Callable[[Task, np.random.Generator], str], ...] = (_terminated, _dropped, _elsewhere, _anew, _planted)
