"""One run at a glance, also while it is being recorded: how far it is, how fast, and how its race stands."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes.analysis.taps.own_class import widened
from probes.cli.watching.race import GROWN, Race, RaceTap
from probes.errors import ProbesError
from probes.files.text import printable
from probes.log import Log, open_log
from probes.log.layout import MANIFEST
from probes.log.manifest import Manifest
from probes.log.protocol import LogLike

__all__ = ["Glance", "Watched", "total_steps"]

_LOOKS = 10  # that a rate is taken over
_SECTIONS = {"distilled": "distilled", "self_distilled": ""}  # of a recipe; "" stands for the variant's name


@dataclass(frozen=True)
class Glance:
    """What is to be seen of a run as of one look; None stands for what is not known.

    Attributes:
        run: Its run_id.
        status: What became of it, as `Log.status` says.
        reason: Why it ended, or what kept it from being read.
        step: The last step recorded.
        total: Steps it will have, if its recipe says so.
        rate: Steps a second: over the last looks; at the first look, and of a run that ended, over the whole run.
        loss: The last one logged.
        train_error: Likewise.
        race: How its features stand at that step.
        read: Whether its log was read since it has this status.

    Example:
        >>> Glance("seed-0", "recording", step=300, total=900, rate=40.0).left
        15.0
    """

    run: str
    status: str
    reason: str = ""
    step: int | None = None
    total: int | None = None
    rate: float | None = None
    loss: float | None = None
    train_error: float | None = None
    race: Race | None = None
    read: bool = False

    @property
    def live(self) -> bool:
        """Whether the run is still being recorded."""
        return self.status == "recording"

    @property
    def left(self) -> float | None:
        """Seconds until it has all its steps, at this rate."""
        if not self.live or self.step is None or self.total is None or not self.rate:
            return None
        return max(0, self.total - self.step) / self.rate

    def facts(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        race = self.race
        plain = {name: value for name, value in vars(self).items() if name not in {"race", "read"}}
        measured = {} if race is None else {"measure": race.measure, "values": race.values.tolist(), "won": race.won}

        return {**plain, "left": self.left, **measured}


class Watched:
    """A run that is looked at again and again; a run that has ended is read once, unless it begins anew.

    Args:
        path: Its directory.

    Raises:
        RunError: There is no run.
        LogError: Its run.json is damaged.

    Example:
        >>> from probes.log.writing import RunWriter
        >>> RunWriter("seed-0", Manifest("seed-0", ())).close()
        >>> Watched(Path("seed-0")).look()
        Glance(run='seed-0', status='finished', ...)
    """

    looked: float = 0.0  # when it was last read

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[tuple[int, int], str] | None = None  # run.json and the status, when the run was last read
        self._log: Log = open_log(path)
        self._tap: tuple[Manifest, RaceTap | None] | None = None  # found for this manifest
        self._floor: float | None = None  # of what counts as learned while the run is recorded
        self._seen: deque[tuple[float, int]] = deque(maxlen=_LOOKS)  # when each of the last steps was seen first
        self._failures = 0
        self.glance = Glance(self.manifest.run_id, self._log.status, total=total_steps(self.manifest))

    @property
    def manifest(self) -> Manifest:
        """What the run is, as of the last look."""
        return self._log.manifest

    def look(self, *, rows: bool = True) -> Glance:
        """Return the run as it is now; where it cannot be read, as it was, and from the second time on with why.

        Args:
            rows: Whether its rows are read; else, which takes no time, its status alone.
        """
        try:
            self._look(rows=rows)
            self._failures = 0
        except (ProbesError, OSError) as error:  # it may be overwritten or packed just now
            self._failures += 1
            if self._failures > 1:
                self.glance = replace(self.glance, reason=printable(str(error)))
        return self.glance

    def _look(self, *, rows: bool) -> None:
        written = (self.path / MANIFEST).stat()
        stamp = written.st_ino, written.st_mtime_ns
        status = self._log.refresh().status  # before the rows: of a run that has ended, all are then there
        if rows:
            self.looked = time.monotonic()
        if (stamp, status) == self._stamp and status != "recording":
            return
        if rows:
            self.glance = self._read(status)
            self._stamp = stamp, status
        elif status != self.glance.status:
            self.glance = replace(self.glance, status=printable(status), read=False)

    def _read(self, status: str) -> Glance:
        log, manifest = self._log, self.manifest
        steps, logged = log.steps, _last_logged(log)
        step = int(steps[-1]) if len(steps) else None
        return Glance(
            manifest.run_id,
            printable(status),
            printable(manifest.reason),
            step,
            total_steps(manifest),
            self._rate(manifest, status, step),
            _named(logged, "loss"),
            _named(logged, "train", "error"),
            None if step is None else self._race(widened(log), live=status == "recording"),
            read=True,
        )

    def _race(self, log: LogLike, *, live: bool) -> Race | None:
        if self._tap is None or self._tap[0] != log.manifest:
            self._tap, self._floor = (log.manifest, RaceTap.of(log)), None
        tap = self._tap[1]
        if tap is None:
            return None

        if live and self._floor is None:
            self._floor = GROWN * tap.race(log, 0).null
        return tap.race(log, len(log.steps) - 1, floor=self._floor or 0.0 if live else 0.0)

    def _rate(self, manifest: Manifest, status: str, step: int | None) -> float | None:
        if step is None:
            return None
        whole = None if manifest.attempts else step  # wall time counts from the last time that a run was resumed
        if status != "recording":
            return _per_second(whole, manifest.wall_seconds)

        now, seen = time.monotonic(), self._seen
        if seen and seen[-1][1] > step:  # it began anew
            seen.clear()
        if not seen or seen[-1][1] < step:
            seen.append((now, step))
        if len(seen) > 1:
            return _per_second(step - seen[0][1], now - seen[0][0])
        return _per_second(whole, _age(manifest.created))


def total_steps(manifest: Manifest) -> int | None:
    """Return how many steps a run will have, if its recipe says so, under its role or plainly as ``steps``.

    Example:
        >>> total_steps(Manifest("a", (), role="single", recipe={"training": {"steps": 900}}))
        900
        >>> total_steps(Manifest("b", (), role="self_distilled", variant="fresh", recipe={"fresh": {"steps": 70}}))
        70
        >>> total_steps(Manifest("c", ())) is None
        True
    """
    section = _SECTIONS.get(manifest.role, "training") or manifest.variant
    for table in (manifest.recipe.get(section), manifest.recipe):
        if isinstance(table, Mapping) and isinstance(table.get("steps"), int):
            return int(table["steps"])
    return None


def _per_second(steps: int | None, seconds: float) -> float | None:
    return None if steps is None or seconds <= 0 else steps / seconds


def _age(created: str) -> float:
    """Return the seconds since a run was begun, 0 where that is not known."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _last_logged(log: Log) -> dict[str, float]:
    """Return the last value of everything logged; the earlier parts of a log are asked only for what a later lacks."""
    found: dict[str, float] = {}
    for part in reversed(log.parts()):
        for name, (_, values) in part.scalars.items():
            if len(values):
                found.setdefault(name, float(values[-1]))
    return found


def _named(logged: Mapping[str, float], *words: str) -> float | None:
    """Return the value whose name is made of the words, or else the first that has them all."""
    name = "_".join(words)
    fitting = [name] if name in logged else [one for one in logged if all(word in one.lower() for word in words)]

    return logged[fitting[0]] if fitting else None
