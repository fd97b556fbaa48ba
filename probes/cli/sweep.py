"""A sweep, as `probes record SWEEP.toml` records and `probes estimate` weighs it: apart, because it needs torch."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from probes.analysis.sweeps.table import TABLE
from probes.cli.amounts import one_line
from probes.cli.recipe_options import chosen_changes
from probes.errors import RunError, UsageError
from probes.schedules import Schedule
from probes.studies.estimate import RULE, free_bytes
from probes.studies.executors import engine
from probes.studies.sweep import Point, Sweep
from probes.studies.sweep_estimate import point_sizes, sweep_size
from probes.studies.sweep_files import is_sweep_file, load_sweep
from probes.studies.sweep_point import Outcome
from probes.studies.sweep_record import record_sweep, waiting_points

__all__ = ["estimate_sweep_file", "is_sweep_file", "record_sweep_file"]

_TIME = (
    "time: that of the point in the middle, by work, from a few of its steps; the others' by their work; an estimate"
)


def record_sweep_file(
    file: str,
    out: Path | None,
    *,
    settings: Sequence[str],
    runs: int | None,
    seed: int | None,
    force: bool,
    schedule: Schedule | None,
    checkpoint_seconds: float,
    workers: int | None,
    executor: str | None,
) -> None:
    r"""Record the points of a sweep and print its folder; what it will take is said first.

    Raises:
        ProbesError: the sweep or its folder is not as expected, or a point failed.

    Example:
        >>> _ = Path("mine.toml").write_text("base = 'tiny'\n[grid]\nnetwork.q = [3, 4]\n")
        >>> none = [f"runs.{role}=0" for role in ("distilled", "self_distilled", "average")]
        >>> changes = {"settings": ["training.steps=2", *none], "runs": 1, "seed": None}
        >>> options = {"schedule": None, "checkpoint_seconds": 30.0, "workers": None, "executor": None}
        >>> record_sweep_file("mine.toml", Path("runs"), **changes, force=False, **options)
        runs
    """
    sweep = _loaded(file, settings, runs, seed, schedule)
    root, count = out or Path("runs") / sweep.name, workers or 1
    start = engine(executor or "", count)

    click.echo(_taken(sweep, root, count), err=True)
    progress = _Progress(len(sweep.points))
    threads = 0 if executor else max(1, _cores() // count)
    try:
        outcomes = record_sweep(
            sweep,
            root,
            engine=start,
            workers=0 if executor else count,
            threads=threads,
            force=force,
            checkpoint_seconds=checkpoint_seconds,
            told=progress,
        )
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"\nprobes: interrupted; the same command goes on with {root} from there", err=True)
        raise
    click.echo(root)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if failed:
        raise RunError(
            f"expected every point to finish, got {failed} of {len(outcomes)} that failed: {root / TABLE} names each "
            "and its error; the same command tries them again"
        )


def estimate_sweep_file(
    file: str,
    out: Path | None,
    *,
    settings: Sequence[str],
    runs: int | None,
    seed: int | None,
    workers: int | None,
    as_json: bool,
) -> None:
    r"""Print what `record_sweep_file` says first, or as JSON that, and a row for every point.

    Raises:
        ProbesError: the sweep is not as expected.

    Example:
        >>> _ = Path("mine.toml").write_text("base = 'tiny'\n[grid]\nnetwork.q = [3, 4]\n")
        >>> given = {"settings": ["training.steps=2"], "runs": None, "seed": None, "workers": None}
        >>> estimate_sweep_file("mine.toml", Path("other"), **given, as_json=False)  # doctest: +ELLIPSIS
        other: 2 points, about ...
    """
    sweep = _loaded(file, settings, runs, seed, None)
    root = out or Path("runs") / sweep.name
    if not as_json:
        click.echo(_taken(sweep, root, workers or 1))
        return
    left = waiting_points(sweep, root)
    size = sweep_size(sweep, left, workers=workers or 1)
    total = {"bytes": size.kept, "peak_bytes": size.peak, "seconds": size.seconds, "free_bytes": free_bytes(root)}
    click.echo(json.dumps({"points": _rows(sweep, left), **total, "rules": [RULE, _TIME]}, indent=2))


def _rows(sweep: Sweep, left: Sequence[Point]) -> list[dict[str, Any]]:
    """What each point takes, whether or not it is there already."""
    waiting = {point.name for point in left}
    return [
        {
            "point": point.name,
            "values": dict(point.values),
            "seed": point.recipe.seed,
            "finished": point.name not in waiting,
            "bytes": size.kept,
            "peak_bytes": size.peak,
            "seconds": round(size.seconds, 2),
        }
        for point, size in zip(sweep.points, point_sizes(sweep, sweep.points), strict=True)
    ]


def _loaded(file: str, settings: Sequence[str], runs: int | None, seed: int | None, schedule: Schedule | None) -> Sweep:
    if seed is not None:
        raise UsageError(f"expected seeds in {file}, as `seeds = [{seed}]`, got --seed")
    return load_sweep(file, settings=chosen_changes(settings, runs, None), schedule=schedule)


class _Progress:
    """Says a line when a point has ended."""

    def __init__(self, points: int) -> None:
        self.points = points

    def __call__(self, point: Point, outcome: Outcome, left: int) -> None:
        place = f"[{self.points - left}/{self.points}]"
        said = f"{outcome.seconds:.1f} s" if outcome.status == "finished" else f"FAILED: {outcome.error}"
        diverged = f", {outcome.diverged} diverged" if outcome.diverged else ""
        click.echo(f"{place} {point.name} {point.label}: {said}{diverged}", err=True)


def _taken(sweep: Sweep, root: Path, workers: int) -> str:
    """Points, bytes and time, before anything begins."""
    left = waiting_points(sweep, root)
    before = f" ({len(sweep.points) - len(left)} finished before)" if len(left) < len(sweep.points) else ""
    if not left:
        return f"{root}: {len(sweep.points)} points, all finished before"
    size, free = sweep_size(sweep, left, workers=workers), free_bytes(root)

    return f"{root}: {len(sweep.points)} points{before}, {one_line(size.kept, free, size.seconds)}"


def _cores() -> int:
    """Return how many cores this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
