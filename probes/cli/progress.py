"""How a recording goes on, on stderr: a bar a phase in a terminal, a line a phase elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from probes.cli.console import console
from probes.studies import Phase

__all__ = ["Progress"]


class Progress:
    """A watcher of `record_study`: what is trained, its rate, and the time left.

    Args:
        opening: Said before the first phase.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies import record_study
        >>> with Progress() as progress:
        ...     root = record_study(built_in("tiny"), "runs", watcher=progress)
    """

    def __init__(self, opening: str = "") -> None:
        self._opening = opening
        self._console = console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            _Rate(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._phase = ""
        self._began = 0.0
        self._task = self._bars.add_task("", visible=False, note="")

    def begin(self, phase: Phase, runs: int) -> None:
        """Show a new phase."""
        if self._opening:
            self._console.print(self._opening, highlight=False)
            self._opening = ""
        self._phase, self._began = f"{phase.name} x {runs}", time.monotonic()
        self._task = self._bars.add_task(self._phase, total=phase.steps if runs else 0, note="")

    def advance(self, step: int) -> None:
        """Move the bar of the phase."""
        self._bars.update(self._task, completed=step)

    def end(self, note: str) -> None:
        """Say how the phase ended; without a terminal this is its one line."""
        self._bars.update(self._task, note=note)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._began
            self._console.print(f"{self._phase:<28} {seconds:6.1f} s  {note}".rstrip(), highlight=False)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed

        return Text(f"{speed:.0f}/s" if speed else "", style="progress.data.speed")
