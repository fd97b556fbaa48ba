"""One point of a sweep, recorded wherever an executor runs it: what it does is said in one value that can be sent."""

import json
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from probes.files.durable import write_whole
from probes.log.layout import MANIFEST, WEIGHTS
from probes.log.manifest import read_manifest
from probes.schedules import parse
from probes.studies.recipe_files import from_mapping
from probes.studies.record import record_study

__all__ = ["ERROR", "Job", "Outcome", "finished", "record_point"]

# Files in a point's folder: how it ended, written last, and the traceback of one that failed.
POINT, ERROR = "point.json", "error.txt"


@dataclass(frozen=True)
class Job:
    """What a point's recording needs, in plain values.

    Attributes:
        folder: The point's folder.
        recipe: Its study, as `as_mapping` gives it.
        schedule: Which steps are recorded, as text.
        weights: Whether weights are kept.
        own_class: Whether of the correlations only those of a class with its own features are recorded.
        threads: Threads of torch; 0 leaves them as they are.
        checkpoint_seconds: Time between two checkpoints.
        force: Begin half-finished runs anew.

    Example:
        >>> Job("runs/0123", {}, "every(50)").threads
        0
    """

    folder: str
    recipe: Mapping[str, Any]
    schedule: str
    weights: bool = False
    own_class: bool = False
    threads: int = 0
    checkpoint_seconds: float = 30.0
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """How the recording of a point ended.

    Attributes:
        status: "finished" or "failed".
        seconds: Wall time of the process that ended it.
        diverged: Number of its runs that diverged.
        error: One line, where it failed.
        traceback: All of it.

    Example:
        >>> Outcome("finished", 12.5).error
        ''
    """

    status: str
    seconds: float = 0.0
    diverged: int = 0
    error: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, error: BaseException, seconds: float = 0.0) -> "Outcome":
        """Return that of an error."""
        lines = "".join(traceback.format_exception_only(error)).splitlines()
        told = next(line for line in lines if not line.startswith(" "))  # before it a place in a file, after it notes

        return cls("failed", seconds, 0, told, "".join(traceback.format_exception(error)))


def record_point(job: Job) -> Outcome:
    """Record a point's study and return how that ended; an error becomes a failed outcome, an interruption goes on.

    Example:
        >>> from probes.studies.recipe_files import built_in, override
        >>> from probes.studies.tables import as_mapping
        >>> recipe = override(built_in("tiny"), {"training.steps": "2", "runs.distilled": "0", "runs.average": "0"})
        >>> record_point(Job("point", as_mapping(recipe), "every(50)")).status
        'finished'
        >>> record_point(Job("point", {"seed": -1}, "every(50)")).error
        'ValueError: expected `seed` >= 0, got -1'
    """
    folder, began = Path(job.folder), time.perf_counter()
    try:
        with _threads(job.threads):
            record_study(
                from_mapping(job.recipe),
                folder,
                force=job.force,
                schedule=parse(job.schedule),
                own_class=job.own_class,
                checkpoint_seconds=job.checkpoint_seconds,
            )
        return _ended(job, folder, time.perf_counter() - began)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other points go on
        return Outcome.of(error, time.perf_counter() - began)


def finished(folder: Path) -> Outcome | None:
    """Return how a point ended that is finished already, else None.

    Example:
        >>> finished(Path("nowhere")) is None
        True
    """
    try:
        known = json.loads((folder / POINT).read_text(encoding="utf-8"))
        return Outcome(str(known["status"]), float(known["seconds"]), int(known["diverged"]))
    except (OSError, ValueError, KeyError, TypeError):  # not there, or no file of ours
        return None


def _ended(job: Job, folder: Path, seconds: float) -> Outcome:
    """Keep of a point what is to be kept, and write that it is finished."""
    statuses = [read_manifest(path.parent).status for path in folder.glob(f"*/{MANIFEST}")]
    if not job.weights:
        for path in folder.glob(f"*/{WEIGHTS}"):
            path.unlink()
    found = Outcome("finished", round(seconds, 3), statuses.count("diverged"))
    said = {"status": found.status, "seconds": found.seconds, "diverged": found.diverged, "recipe": job.recipe}
    (folder / ERROR).unlink(missing_ok=True)

    said |= {"schedule": job.schedule, "taps": "own_class" if job.own_class else "full"}
    write_whole(folder / POINT, json.dumps(said, indent=2).encode())
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Have torch use so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
