"""All runs under a folder, looked at again and again while they come, grow, end and go."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from probes.cli.watching.run_state import Glance, Watched
from probes.errors import LogError, RunError
from probes.log.discovery import find_runs
from probes.log.layout import MANIFEST
from probes.log.manifest import Manifest

__all__ = ["LiveRuns", "View", "planned_runs"]

_PATIENCE = 10.0  # seconds that the next runs of a study are waited for


@dataclass(frozen=True)
class View:
    """All runs as of one look.

    Attributes:
        root: The folder.
        glances: The runs, sorted by run_id.
        to_come: Runs that studies in the folder have planned and not begun.
        refused: Why a folder that looks like a run is not shown, a line each.

    Example:
        >>> View(Path("runs"), (Glance("a", "recording"), Glance("b", "finished"))).counts
        {'recording': 1, 'finished': 1}
    """

    root: Path
    glances: tuple[Glance, ...]
    to_come: int = 0
    refused: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether a run is still being recorded."""
        return any(glance.live for glance in self.glances)

    @property
    def counts(self) -> dict[str, int]:
        """How many runs have each status."""
        found = [glance.status for glance in self.glances]

        return {status: found.count(status) for status in dict.fromkeys(found)}


class LiveRuns:
    """The runs under a folder, at any depth; a run's directory counts as a folder of one.

    Args:
        root: The folder.

    Raises:
        RunError: There is no run.

    Example:
        >>> from probes.log.writing import RunWriter
        >>> RunWriter("runs/seed-0", Manifest("seed-0", ())).close()
        >>> LiveRuns(Path("runs")).look().counts
        {'finished': 1}
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._runs: dict[Path, Watched] = {}
        self._refused: dict[Path, str] = {}
        self._recorded = -_PATIENCE  # when a run was last seen being recorded
        if not any(find_runs(root)):
            raise RunError(f"expected runs under `{root}`, got no {MANIFEST} in or below it; name another directory")

    def look(self, seconds: float | None = None) -> View:
        """Return the runs as they are now; those that time does not suffice for as they were.

        Runs that are recorded take turns with the others, those that were not read for the longest time first; a run
        that has ended is read once.

        Args:
            seconds: Time after which no further run is read, only its status; None reads all.
        """
        self._find()
        until = time.monotonic() + (float("inf") if seconds is None else seconds)
        for turn, run in enumerate(self._turns()):
            run.look(rows=turn == 0 or time.monotonic() < until)

        glances = sorted((run.glance for run in self._runs.values()), key=lambda glance: glance.run)
        view = View(self.root, tuple(glances), self._to_come(), tuple(self._refused.values()))
        if view.live:
            self._recorded = time.monotonic()
        return view

    def over(self, view: View) -> bool:
        """Whether nothing is recorded any more: between two phases of a study it is waited for the next."""
        waited = time.monotonic() - self._recorded

        return not view.live and (view.to_come == 0 or waited >= _PATIENCE)

    def _find(self) -> None:
        """Take in the runs that have come, and let go of those that went."""
        folders, left_out = find_runs(self.root)
        self._runs = {folder: self._runs[folder] for folder in folders if folder in self._runs}
        self._refused = left_out
        for folder in folders:
            if folder not in self._runs:
                with suppress(RunError, OSError):  # just removed
                    self._open(folder)

    def _open(self, folder: Path) -> None:
        try:
            self._runs[folder] = Watched(folder)
        except LogError as error:
            self._refused[folder] = str(error)

    def _turns(self) -> list[Watched]:
        """Return the runs in the order in which they are read."""
        waiting = sorted(self._runs.values(), key=lambda run: run.looked)
        live, ended = ([run for run in waiting if run.glance.live is wanted] for wanted in (True, False))

        return [run for pair in zip_longest(live, ended) for run in pair if run is not None]

    def _to_come(self) -> int:
        """Return how many runs are missing of what the recipes in each folder plan; of a single run nothing is."""
        planned: dict[Path, Counter[str]] = {}
        present: dict[Path, Counter[str]] = {}
        for run in self._runs.values():
            if run.path != self.root:
                folder = run.path.parent
                planned[folder] = planned.get(folder, Counter()) | planned_runs(run.manifest)
                present.setdefault(folder, Counter()).update([run.manifest.role])
        return sum((planned[folder] - present[folder]).total() for folder in planned)


def planned_runs(manifest: Manifest) -> Counter[str]:
    """Return how many runs of each role the study of a run consists of; none where it belongs to no study.

    Example:
        >>> runs = {"single": 3, "distilled": 2, "self_distilled": 2, "average": 3, "updates": ["stopped", "literal"]}
        >>> planned_runs(Manifest("single-00", (), study="1a2b", recipe={"runs": runs})).total()
        12
    """
    runs = manifest.recipe.get("runs")
    if not manifest.study or not isinstance(runs, Mapping):
        return Counter()

    asked = Counter({role: number for role, number in runs.items() if isinstance(number, int)})
    updates = runs.get("updates")
    return +Counter({
        "single": asked["single"],
        "distilled": asked["distilled"] * (len(updates) if isinstance(updates, list) else 1),
        "self_distilled": 2 * asked["self_distilled"],  # each pair in two forms
        "average": asked["average"] if "members" in runs else min(1, asked["average"]),  # one run of so many networks
    })
