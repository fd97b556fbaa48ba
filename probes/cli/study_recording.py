"""Recording a study, as `probes record RECIPE` does it: apart, because it needs torch."""

from collections.abc import Sequence
from pathlib import Path

import click

from probes.cli.amounts import one_line
from probes.cli.progress import Progress
from probes.cli.recipe_options import chosen_recipe
from probes.schedules import Schedule, every
from probes.studies import record_study
from probes.studies.estimate import estimate, free_bytes
from probes.studies.experiment import AnyRecipe

__all__ = ["record_recipe"]


def record_recipe(
    recipe: str,
    out: Path | None,
    *,
    settings: Sequence[str],
    runs: int | None,
    seed: int | None,
    force: bool,
    schedule: Schedule,
    checkpoint_seconds: float,
) -> None:
    """Train a study and print its folder; what it will take is said first.

    Raises:
        ProbesError: the study, its runs or its folder are not as expected.

    Example:
        >>> changes = {"settings": ["training.steps=5"], "runs": None, "seed": None}
        >>> record_recipe("tiny", Path("runs"), **changes, force=False, schedule=every(1), checkpoint_seconds=30.0)
        runs
    """
    chosen = chosen_recipe(recipe, tuple(settings), runs, seed)
    root = out or Path("runs") / chosen.name

    try:
        with Progress(_taken(chosen, root, schedule)) as progress:
            record_study(
                chosen,
                root,
                force=force,
                schedule=schedule,
                checkpoint_seconds=checkpoint_seconds,
                watcher=progress,
            )
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"\nprobes: interrupted; the same command goes on with {root} from there", err=True)
        raise
    click.echo(root)


def _taken(recipe: AnyRecipe, root: Path, schedule: Schedule) -> str:
    """What the study will take; where there is no room for it, also what it would recorded thinner."""
    size, free = estimate(recipe, schedule=schedule).total, free_bytes(root)
    thinner = f"\nwith --every 10 {one_line(estimate(recipe, schedule=every(10)).total, free)}" if free < size else ""

    return f"{root}: {one_line(size, free)}{thinner}"
