"""Recording a sweep: its points go to an executor, each ends as a row of sweep.csv, and none stops the others."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from typing import Any

from probes.analysis.sweeps.table import TABLE, written
from probes.errors import RunError
from probes.files.durable import make_folder, remove_unfinished, write_whole
from probes.log.writing.lock import RunLock
from probes.studies.executors import Engine, Inline
from probes.studies.sweep import Point, Sweep
from probes.studies.sweep_point import ERROR, Job, Outcome, finished, record_point
from probes.studies.tables import as_mapping

__all__ = ["record_sweep", "waiting_points"]

Told = Callable[[Point, Outcome, int], None]

_SUSPECTS = 32  # points that may have been under way when a process was ended, where nobody says how many


def record_sweep(
    sweep: Sweep,
    root: str | Path,
    *,
    engine: Engine = Inline,
    workers: int = 0,
    threads: int = 0,
    force: bool = False,
    checkpoint_seconds: float = 30.0,
    told: Told = lambda point, outcome, left: None,
) -> list[Outcome]:
    """Record the points of a sweep that are not finished yet, and return how each ended, in the sweep's order.

    Every point is a study in a folder of its own under ``root``. sweep.csv has a row for each, and is written anew when
    one ends; the traceback of one that failed stands in its folder as error.txt. What was interrupted goes on from its
    last checkpoint, and what failed is tried again. Where a process is ended from outside, for want of memory for
    example, the points it may have had are tried one by one.

    Args:
        sweep: The sweep.
        root: Folder of the points; made where it is missing.
        engine: Makes the executor that points go to; the default is this process.
        workers: How many points it has under way at once; 0 where that is not known.
        threads: Threads of torch for each point; 0 leaves them as they are.
        force: Begin half-finished runs anew.
        checkpoint_seconds: Time between two checkpoints of a point.
        told: Called when a point ends, with how, and the number of those that are left.

    Raises:
        RunError: If the folder holds runs of a study of its own, or the same sweep is being recorded into it.
        OSError: If the folder cannot be written.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.sweep import changed, points_of
        >>> few = changed(built_in("tiny"), {"training.steps": 2, "runs.distilled": 0, "runs.self_distilled": 0})
        >>> sweep = Sweep("exponents", points_of(few, [{"network.q": 3}, {"network.q": 4}], [0]))
        >>> [outcome.status for outcome in record_sweep(sweep, "exponents")]
        ['finished', 'finished']
    """
    folder = Path(root)
    if folder.is_file() or next(folder.glob("*/run.json"), None) or (folder / "run.json").is_file():
        raise RunError(f"expected a folder for a sweep at {folder}, got a file or a study: name another with --out")
    make_folder(folder.absolute())

    def job(point: Point) -> Job:
        place, recipe = str((folder / point.name).absolute()), as_mapping(point.recipe)
        taken = place, recipe, str(sweep.schedule), sweep.weights, sweep.own_class
        return Job(*taken, threads, checkpoint_seconds, force)

    lock = RunLock(folder)
    try:
        remove_unfinished(folder)
        rows, left = _Rows(sweep, folder), waiting_points(sweep, folder)
        for done, (point, outcome) in enumerate(_outcomes(engine, left, job, workers or _SUSPECTS), 1):
            rows.end(point, outcome)
            told(point, outcome, len(left) - done)
    finally:
        lock.release()
    return [rows.outcomes[point.name] for point in sweep.points]


def waiting_points(sweep: Sweep, root: str | Path) -> list[Point]:
    """Return the points that are not finished under a folder.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.sweep import points_of
        >>> len(waiting_points(Sweep("seeds", points_of(built_in("tiny"), [{}], [0, 1])), "nowhere"))
        2
    """
    return [point for point in sweep.points if finished(Path(root) / point.name) is None]


class _Rows:
    """The rows of sweep.csv on their way."""

    def __init__(self, sweep: Sweep, folder: Path) -> None:
        self.sweep, self.folder = sweep, folder
        known = {point.name: finished(folder / point.name) for point in sweep.points}
        self.outcomes = {name: outcome or Outcome("waiting") for name, outcome in known.items()}
        self._write()

    def end(self, point: Point, outcome: Outcome) -> None:
        """Keep how a point ended, and its traceback where it failed."""
        self.outcomes[point.name] = outcome
        if outcome.traceback:
            make_folder((self.folder / point.name).absolute())
            write_whole(self.folder / point.name / ERROR, outcome.traceback.encode())
        self._write()

    def _write(self) -> None:
        rows = [self._row(point, self.outcomes[point.name]) for point in self.sweep.points]
        write_whole(self.folder / TABLE, written(rows, self.sweep.keys).encode())

    def _row(self, point: Point, outcome: Outcome) -> dict[str, Any]:
        ended = outcome.status != "waiting"
        facts = {"seconds": round(outcome.seconds, 2), "diverged": outcome.diverged} if ended else {}
        identity = {"point": point.name, "seed": point.recipe.seed, "path": point.name}

        return {**point.values, **identity, "status": outcome.status, "error": outcome.error, **facts}


def _outcomes(
    engine: Engine, points: Sequence[Point], job: Callable[[Point], Job], suspects: int
) -> Iterator[tuple[Point, Outcome]]:
    """Yield how points end, as they do; those under way when an executor breaks get one of their own each."""
    groups = [list(points)] if points else []
    while groups:
        group = groups.pop(0)
        left = {point.name: point for point in group}
        try:
            for point, outcome in _ended(engine, group, job):
                del left[point.name]
                yield point, outcome
        except BrokenExecutor as error:
            if len(group) == 1:
                yield group[0], Outcome.of(error)
                continue
            alone, rest = [*left.values()][:suspects], [*left.values()][suspects:]
            groups = [*([point] for point in alone), *([rest] if rest else []), *groups]


def _ended(engine: Engine, points: Sequence[Point], job: Callable[[Point], Job]) -> Iterator[tuple[Point, Outcome]]:
    waiting: dict[Future[Outcome], Point] = {}
    with engine() as executor:
        for point in points:
            waiting[executor.submit(record_point, job(point))] = point
            yield from _taken(waiting)
        while waiting:
            wait(waiting, return_when=FIRST_COMPLETED)
            yield from _taken(waiting)


def _taken(waiting: dict[Future[Outcome], Point]) -> Iterator[tuple[Point, Outcome]]:
    """Take out what has ended; an error that is not the point's own, but the executor's, is its end as well.

    Raises:
        BrokenExecutor: After all that ended before the executor broke was yielded.
    """
    broken: BrokenExecutor | None = None
    for future in [future for future in waiting if future.done()]:
        point = waiting.pop(future)
        try:
            outcome = future.result()
        except BrokenExecutor as error:
            broken = error
            continue
        except Exception as error:  # noqa: BLE001 - of this point, or of what sent it; the others go on
            outcome = Outcome.of(error)
        yield point, outcome
    if broken is not None:
        raise broken
