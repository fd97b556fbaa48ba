"""What a sweep takes before it begins: the bytes that it leaves, and the time, measured on its middle point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from probes.learners.recipes import Recipe
from probes.schedules import Schedule
from probes.studies.estimate import estimate
from probes.studies.pace import phase_seconds
from probes.studies.plan import plan
from probes.studies.sweep import Point, Sweep

__all__ = ["SweepSize", "sweep_size"]


@dataclass(frozen=True)
class SweepSize:
    """What some points of a sweep take.

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
    """Return what it takes to record some points of a sweep; an estimate.

    The time is that of the point in the middle, by work, from a few of its steps; the others' follow from their work,
    which is runs x steps x samples x patches x classes x neurons.

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
    if not points:
        return SweepSize(0, 0, 0.0)
    taken = [_bytes(replace(point.recipe, seed=0), sweep.schedule) for point in points]
    kept = sum(total if sweep.weights else total - weights for total, weights, _ in taken)
    under_way = sorted((peak for _, _, peak in taken), reverse=True)[:workers]

    recipes = sorted((point.recipe for point in points), key=_work)
    middle = recipes[len(recipes) // 2]
    seconds = sum(phase_seconds(middle)) * sum(map(_work, recipes)) / _work(middle)
    return SweepSize(kept, kept + sum(under_way), seconds / min(workers, len(points)))


@cache
def _bytes(recipe: Recipe, schedule: Schedule) -> tuple[int, int, int]:
    """Return the bytes of a study's files, of the weights among them, and of all that is there while it is recorded."""
    found = estimate(recipe, schedule=schedule)

    return found.total, sum(phase.runs * phase.weights for phase in found.phases), found.peak


def _work(recipe: Recipe) -> float:
    """Return the updates of noise state that a study consists of."""
    updates = sum(phase.steps * sum(len(run.seeds) for run in phase.runs) for phase in plan(recipe))
    size = recipe.training.samples * recipe.data.patches * recipe.data.classes * recipe.network.neurons

    return float(updates * size)
