"""What a sweep takes before it begins: the bytes that it leaves, and the time, measured on its middle point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from probes.schedules import Schedule
from probes.studies.estimate import estimate
from probes.studies.experiment import AnyRecipe
from probes.studies.kinds import experiment
from probes.studies.sweep import Point, Sweep

__all__ = ["SweepSize", "point_sizes", "sweep_size"]


@dataclass(frozen=True)
class SweepSize:
    """What one or some points of a sweep take.

    Attributes:
        kept: Bytes that stay on the disk.
        peak: Bytes on the disk when they are most.
        seconds: Time.

    Example:
        >>> SweepSize(1000, 5000, 60.0).kept
        1000
    """

    kept: int
    peak: int
    seconds: float


def sweep_size(sweep: Sweep, points: Sequence[Point], *, workers: int = 1) -> SweepSize:
    """Return what it takes to record some points of a sweep together; an estimate.

    Args:
        sweep: The sweep.
        points: Those of its points that are still to be recorded.
        workers: How many are under way at once.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.sweep import points_of
        >>> sweep = Sweep("exponents", points_of(built_in("tiny"), [{"network.q": 3}, {"network.q": 4}], [0, 1]))
        >>> size = sweep_size(sweep, sweep.points)
        >>> 0 < size.kept < size.peak, size.seconds > 0
        (True, True)
    """
    sizes = point_sizes(sweep, points)
    kept = sum(size.kept for size in sizes)
    under_way = sorted((size.peak for size in sizes), reverse=True)[:workers]

    return SweepSize(kept, kept + sum(under_way), sum(size.seconds for size in sizes) / max(1, len(under_way)))


def point_sizes(sweep: Sweep, points: Sequence[Point]) -> tuple[SweepSize, ...]:
    """Return what it takes to record each of some points of a sweep; an estimate.

    The time is that of the point in the middle, by work, from a few of its steps; the others' follow from their work.

    Args:
        sweep: The sweep.
        points: Some of its points.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.sweep import points_of
        >>> choices = [{"training.steps": 100}, {"training.steps": 200}]
        >>> few, more = point_sizes(sweep := Sweep("steps", points_of(built_in("tiny"), choices, [0])), sweep.points)
        >>> few.kept < more.kept, few.seconds < more.seconds
        (True, True)
    """
    if not points:
        return ()
    studies = [experiment(point.recipe) for point in points]
    middle = sorted(studies, key=lambda study: study.work)[len(studies) // 2]
    pace = sum(middle.seconds()) / middle.work

    taken = [_bytes(replace(point.recipe, seed=0), sweep.schedule, own_class=sweep.own_class) for point in points]
    kept = [total if sweep.weights else total - weights for total, weights, _ in taken]
    rows = zip(studies, kept, taken, strict=True)
    return tuple(SweepSize(bytes_, peak, pace * study.work) for study, bytes_, (_, _, peak) in rows)


@cache
def _bytes(recipe: AnyRecipe, schedule: Schedule, *, own_class: bool) -> tuple[int, int, int]:
    """Return the bytes of a study's files, of the weights among them, and of all that is there while it is recorded."""
    found = estimate(recipe, schedule=schedule, own_class=own_class)

    return found.total, sum(phase.runs * phase.weights for phase in found.phases), found.peak
