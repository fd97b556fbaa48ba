"""A fault at every call of the system that a run makes, and that going on with it makes: errors, half writes, ends."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from tests.torture.material import STEPS, append, unlike_whole
from tests.torture.power import Disk
from tests.torture.processes import Tell, in_child
from tests.torture.recording import Task
from tests.torture.seam import READS, WRITES, Answer, Call, Seam

from probes.errors import LogError, ProbesError, RunError
from probes.log import open_log
from probes.log.writing import Position, RunWriter

COUNT, SHORT = 0, 24
CHECKED = "training goes on, or its end leaves all that was vouched for; then as if uninterrupted"

_ROWS, _EARLIER_ROWS, _KEPT_ROWS = 24, 15, 9
_TAKES_SPACE = {"open", "mkdir", "replace", *WRITES}
_POWER_CUT = "power cut"

Result = TypeVar("Result")


class Mode(NamedTuple):
    """How a call goes wrong, and what comes then."""

    name: str
    answer: Answer
    lasts: bool = False  # whether the disk stays full until the training is over
    killed: bool = False  # whether the process ends without closing the run
    luck: float | None = None  # the power is cut; chance of what was not synced to be there


ERRORS = (Mode("no space", Answer.NO_SPACE), Mode("input/output error", Answer.FAILS))
LASTING = (
    Mode("no space from then on", Answer.NO_SPACE, lasts=True),
    Mode("no space, killed later", Answer.NO_SPACE, killed=True),
    Mode("killed", Answer.ENDS, killed=True),
    Mode(_POWER_CUT, Answer.ENDS, killed=True, luck=0.0),
    Mode(f"{_POWER_CUT}, some luck", Answer.ENDS, killed=True, luck=0.5),
)
SYNCS = (Mode(f"not synced, {_POWER_CUT} soon", Answer.FAILS, killed=True, luck=0.0),)
HALVES = (Mode("half written", Answer.SHORT), Mode("killed amid", Answer.TORN, killed=True))


def modes(call: Call) -> tuple[Mode, ...]:
    """The ways in which a call can go wrong; one that changes nothing can only fail."""
    if call.name in READS:
        return ERRORS[1:]
    return (*ERRORS, *LASTING, *(HALVES if call.name in WRITES else ()), *(SYNCS if call.name == "fsync" else ()))


@dataclass(frozen=True)
class Scene:
    """A run before the calls that go wrong: not there, cut off, or closed; and how it is closed in the end."""

    before: str
    pack_bytes: int

    def task(self, folder: Path, *, rows: int = _ROWS, pack_bytes: int | None = None) -> Task:
        """Three segments and a journal; no clock decides when it is written to."""
        packed = self.pack_bytes if pack_bytes is None else pack_bytes
        return Task(
            folder, rows, block_rows=7, flush_every=3, keep_every=3, pack_bytes=packed, safe_every=99, flush_seconds=1e9
        )

    def build(self, folder: Path) -> Task:
        """The run as it is before, with a checkpoint some rows before its last."""
        template = folder.with_name(f"{folder.name}-{self.before.replace(' ', '-')}")
        if not template.exists():
            self._record(template)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        return self.task(folder)

    def _record(self, folder: Path) -> None:
        (folder / "disk").mkdir(parents=True)
        if self.before == "nothing":
            return
        task = self.task(folder, rows=_EARLIER_ROWS, pack_bytes=0 if self.before == "shown" else 2**26)
        end = partial(os._exit, 9) if self.before == "cut off" else None
        in_child(lambda tell: train(task, tell, end=end))
        task.keep(Position(int(STEPS[_KEPT_ROWS - 1]), _KEPT_ROWS))


SCENES = tuple(
    Scene(before, pack_bytes)
    for before, pack_bytes in (
        ("nothing", 2**26),
        ("cut off", 0),
        ("packed", 0),
        ("shown", 2**26),
    )
)


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every scene, call and mode, in an order drawn by the seed: empty, or what the fault broke."""
    every = [(scene, call, mode) for scene in SCENES for call in calls(scene, folder) for mode in modes(call)]
    order = np.random.default_rng(seed).permutation(len(every))
    for number in numbers:
        if number >= len(every):
            return
        scene, call, mode = every[order[number]]
        fault = Case(scene, call, mode, np.random.default_rng((seed, number))).fault(folder)
        yield f"{scene}, {call}, {mode.name}: {fault}" if fault else ""


def calls(scene: Scene, folder: Path) -> list[Call]:
    """The calls of a scene where all goes well."""
    task = scene.build(folder)
    found: list[Call] = []

    def answer(call: Call) -> Answer:
        found.append(call)
        return Answer.GO

    def work(tell: Tell) -> None:
        with Seam(folder / "disk", answer)():
            train(task, tell)
        for call in found:
            tell(f"call {call.name}|{call.file}|{call.number}")

    told, ending = in_child(work)
    if ending:
        raise RuntimeError(f"expected `{scene}` to go well where no call fails, got {ending}")
    split = [line.removeprefix("call ").split("|") for line in told if line.startswith("call ")]
    return [Call(name, file, int(number)) for name, file, number in split]


@dataclass
class Case:
    """One call of one scene that goes wrong."""

    scene: Scene
    call: Call
    mode: Mode
    rng: np.random.Generator
    hit: bool = field(default=False, init=False)
    since: int = field(default=0, init=False)  # checkpoints
    over: bool = field(default=False, init=False)  # whether the disk has space again

    def fault(self, folder: Path) -> str:
        """What it broke; nothing, if all is as it should be."""
        task = self.scene.build(folder)
        told, ending = in_child(lambda tell: self._work(task, tell))
        if (folder / "left").exists():
            shutil.rmtree(folder / "disk")
            (folder / "left").rename(folder / "disk")
        if not self.mode.killed:
            return ending or next((line for line in told if line.startswith("wrong")), "") or _unlike(task)
        if not ending.startswith("exit code 9:"):
            return f"expected its end, got `{ending}`"
        return task.left_wrong(told, holes=self.mode.luck is not None) or task.end_wrong()

    def _work(self, task: Task, tell: Tell) -> None:
        disk = Disk(task.folder / "disk")
        seam = Seam(
            task.folder / "disk", self._answer, end=lambda: self._end(task, disk), before=disk.before, after=disk.after
        )
        with seam():
            end = seam.finish if self.mode.killed else None
            train(task, tell, end=end, kept=lambda: self._count(seam), heal=lambda: self._heal(seam))

    def _answer(self, call: Call) -> Answer:
        if call == self.call:
            self.hit = True
            return self.mode.answer
        full = self.hit and self.mode.lasts and not self.over and call.name in _TAKES_SPACE
        return Answer.NO_SPACE if full else Answer.GO

    def _count(self, seam: Seam) -> None:
        """Where it could not be synced, end after the second checkpoint since, of which the first was refused."""
        self.since += self.hit
        if self.mode in SYNCS and self.since == 2:
            seam.finish()

    def _heal(self, seam: Seam) -> None:
        self.over = True
        seam.heal()

    def _end(self, task: Task, disk: Disk) -> None:
        if self.mode.luck is not None:
            disk.cut(task.folder / "left", self.rng, luck=self.mode.luck)
        os._exit(9)


def _unlike(task: Task) -> str:
    try:
        return unlike_whole(open_log(task.path), task.rows)
    except ProbesError as error:
        return f"not read: {error}"


def train(
    task: Task,
    tell: Tell,
    *,
    end: Callable[[], object] | None = None,
    kept: Callable[[], object] = lambda: None,
    heal: Callable[[], object] = lambda: None,
) -> None:
    """Record as a training does that minds its checkpoints and nothing else."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer = _tried(task.open, heal, RunError, LogError)
        tell(f"open {task.checkpoint.rows}")
        for row in range(task.checkpoint.rows, task.rows):
            append(writer, row)
            if row % task.keep_every == task.keep_every - 1:
                _keep(task, writer, row, tell)
                kept()
        heal()
        if end is not None:
            end()
        _tried(writer.close, heal, LogError)
    strange = [one for one in caught if one.category is not RuntimeWarning or "\n" in str(one.message)]
    if len(caught) > 1 or strange:
        tell(f"wrong warnings: {[str(one.message) for one in caught]}")


def _keep(task: Task, writer: RunWriter, row: int, tell: Tell) -> None:
    try:
        position = writer.position(int(STEPS[row]))
    except LogError:
        return
    task.keep(position)
    tell(f"kept {row + 1}")


def _tried(attempt: Callable[[], Result], heal: Callable[[], object], *errors: type[Exception]) -> Result:
    """What an attempt gives, or the one after a failure by one of the errors and the end of what caused it."""
    try:
        return attempt()
    except errors:
        heal()
    return attempt()
