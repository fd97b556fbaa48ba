"""What a sweep takes before it begins: the bytes that it leaves, and the time, measured on its middle point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.recipe_files import AnyRecipe
from probes.schedules import Schedule
from probes.studies.estimate import estimate
from probes.studies.gaussian_size import gaussian_work
from probes.studies.pace import phase_seconds
from probes.studies.plan import plan
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
        >>> from probes.learners.recipe_files import built_in
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

    The time is that of the point in the middle, by work, from a few of its steps; the others' follow from their work,
    which is runs x steps x samples x patches x classes x neurons.

    Args:
        sweep: The sweep.
        points: Some of its points.

    Example:
        >>> from probes.learners.recipe_files import built_in
        >>> from probes.studies.sweep import points_of
        >>> choices = [{"training.steps": 100}, {"training.steps": 200}]
        >>> few, more = point_sizes(sweep := Sweep("steps", points_of(built_in("tiny"), choices, [0])), sweep.points)
        >>> few.kept < more.kept, few.seconds < more.seconds
        (True, True)
    """
    if not points:
        return ()
    middle = sorted((point.recipe for point in points), key=_work)[len(points) // 2]
    pace = sum(phase_seconds(middle)) / _work(middle)

    taken = [_bytes(replace(point.recipe, seed=0), sweep.schedule, own_class=sweep.own_class) for point in points]
    kept = [total if sweep.weights else total - weights for total, weights, _ in taken]
    pairs = zip(points, kept, taken, strict=True)
    return tuple(SweepSize(bytes_, peak, pace * _work(point.recipe)) for point, bytes_, (_, _, peak) in pairs)


@cache
def _bytes(recipe: AnyRecipe, schedule: Schedule, *, own_class: bool) -> tuple[int, int, int]:
    """Return the bytes of a study's files, of the weights among them, and of all that is there while it is recorded."""
    found = estimate(recipe, schedule=schedule, own_class=own_class)

    return found.total, sum(phase.runs * phase.weights for phase in found.phases), found.peak


def _work(recipe: AnyRecipe) -> float:
    """Return the updates of noise state that a study consists of, or what makes the time of one on Gaussian inputs."""
    if isinstance(recipe, GaussianRecipe):
        return gaussian_work(recipe)

    updates = sum(phase.steps * sum(len(run.seeds) for run in phase.runs) for phase in plan(recipe))
    size = recipe.training.samples * recipe.data.patches * recipe.data.classes * recipe.network.neurons

    return float(updates * size)
