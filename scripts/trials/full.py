"""A training whose disk fills up at some row and has space again at a later one."""

import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from unittest import mock

import numpy as np
from tests.torture.material import STEPS, append, unlike_whole, wrong
from tests.torture.processes import Tell, in_child
from tests.torture.recording import Task

from probes.errors import LogError, ProbesError, RunError
from probes.log import open_log
from probes.log.writing import RunWriter

__all__ = ["CHECKED", "Spell"]

CHECKED = (
    "training goes on, a warning once; nothing vouched for lost; all there once there is space, or told as left out"
)

_LEFT_OUT = re.compile(r": (\d+) rows, steps \d+ to \d+, were left out$")


@dataclass(frozen=True)
class Spell:
    """When a disk is full, and whether the process is killed in the end."""

    task: Task
    fill: Callable[[], object]
    free: Callable[[], object]
    fills_at: int
    frees_at: int
    killed_at: int  # -1: never
    at_once: bool  # whether a disk that refused is tried again at the next row, not after a second or more

    @classmethod
    def drawn(
        cls, task: Task, fill: Callable[[], object], free: Callable[[], object], rng: np.random.Generator
    ) -> Self:
        """One at any rows."""
        fills_at, frees_at = sorted(rng.integers(0, task.rows, 2).tolist())
        killed_at = int(rng.integers(fills_at, task.rows)) if rng.random() < 0.5 else -1
        return cls(task, fill, free, fills_at, frees_at, killed_at, at_once=rng.random() < 0.7)

    def fault(self) -> str:
        """What it broke; nothing, if all is as it should be."""
        told, ending = in_child(self._record)
        if self.killed_at >= 0:
            if not ending.startswith("exit code 9:"):
                return ending or "expected its end, got none"
            fault = self.task.left_wrong(told, holes=True) or self._tried_again()
            self.free()
            return fault or self._went_on()
        return ending or next((line for line in told if line.startswith("wrong")), "") or _ended_wrong(self.task)

    def _record(self, tell: Tell) -> None:
        delay = 1e-9 if self.at_once else 1.0
        with (
            warnings.catch_warnings(record=True) as caught,
            mock.patch("probes.log.writing.pipeline._FIRST_DELAY", delay),
            mock.patch("probes.log.writing.pipeline._LONGEST_DELAY", 60 * delay),
        ):
            warnings.simplefilter("always")
            writer = self.task.open()
            for row in range(self.task.rows):
                self._at(row)
                append(writer, row)
                if row % self.task.keep_every == self.task.keep_every - 1:
                    self._keep(writer, row, tell)
            self.free()
            writer.close()
        texts = [str(one.message) for one in caught]
        waits = sum("rows stay in memory" in text for text in texts)
        if waits > 1 or len(set(texts)) < len(texts) or any(one.category is not RuntimeWarning for one in caught):
            tell(f"wrong warnings: {texts}")

    def _at(self, row: int) -> None:
        if row == self.fills_at:
            self.fill()
        if row == self.frees_at:
            self.free()
        if row == self.killed_at:
            os._exit(9)

    def _keep(self, writer: RunWriter, row: int, tell: Tell) -> None:
        try:
            position = writer.position(int(STEPS[row]))
        except LogError:
            return
        self.task.keep(position)
        tell(f"kept {position.rows}")

    def _tried_again(self) -> str:
        """What is wrong with going on while the disk may still be full; that it is refused is not."""

        def work(tell: Tell) -> None:
            try:
                self.task.open().close("interrupted")
            except (LogError, RunError) as error:
                tell(f"refused {error}")

        told, ending = in_child(work)
        return ending or self.task.left_wrong(told, holes=True)

    def _went_on(self) -> str:
        _, ending = in_child(self.task)
        return ending or _ended_wrong(self.task)


def _ended_wrong(task: Task) -> str:
    """What is wrong with a closed log, from which rows may be missing that it says are."""
    try:
        log = open_log(task.path)
        left_out = sum(int(found[1]) for fault in log.faults if (found := _LEFT_OUT.search(fault)))
        if not left_out:
            return unlike_whole(log, task.rows)
        if len(log.steps) + left_out != task.rows:
            return f"{len(log.steps)} rows of {task.rows} and faults {log.faults}"
        return wrong(log, holes=True)
    except ProbesError as error:
        return f"not read: {error}"
