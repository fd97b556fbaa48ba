"""Recording a study, as `probes record RECIPE` does it: apart, because it needs torch."""

from collections.abc import Sequence
from pathlib import Path

import click

from probes.cli.chosen import chosen_recipe
from probes.cli.progress import Progress
from probes.studies import record_study

__all__ = ["record_recipe"]


def record_recipe(
    recipe: str,
    out: Path | None,
    *,
    settings: Sequence[str],
    runs: int | None,
    seed: int | None,
    force: bool,
    checkpoint_seconds: float,
) -> None:
    """Train a study and print its folder.

    Raises:
        ProbesError: the study, its runs or its folder are not as expected.

    Example:
        >>> changes = {"settings": ["training.steps=5"], "runs": None, "seed": None}
        >>> record_recipe("tiny", Path("runs"), **changes, force=False, checkpoint_seconds=30.0)
        runs
    """
    chosen = chosen_recipe(recipe, tuple(settings), runs, seed)
    root = out or Path("runs") / chosen.name

    try:
        with Progress() as progress:
            record_study(chosen, root, force=force, checkpoint_seconds=checkpoint_seconds, watcher=progress)
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"\nprobes: interrupted; the same command goes on with {root} from there", err=True)
        raise
    click.echo(root)
