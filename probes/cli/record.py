"""`probes record`: train a study and record every step of every run."""

from pathlib import Path

import click

from probes.cli.progress import Progress
from probes.errors import UsageError
from probes.learners.recipe_files import load, override
from probes.learners.recipes import Recipe
from probes.studies import record_study


@click.command()
@click.argument("recipe")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a value, for example data.sparsity=4."
)
@click.option("--runs", type=click.IntRange(min=1), help="Number of single models.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed from which all others are derived.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the runs; default runs/NAME.")
@click.option("--force", is_flag=True, help="Begin half-finished runs anew; go on beside runs of another study.")
@click.option(
    "--checkpoint",
    "checkpoint_seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two checkpoints.",
)
def command(
    recipe: str,
    settings: tuple[str, ...],
    runs: int | None,
    seed: int | None,
    out: Path | None,
    force: bool,
    checkpoint_seconds: float,
) -> None:
    """Train the study RECIPE and record the correlation of every neuron with every feature at every step.

    RECIPE is a name from `probes recipes`, or a TOML file. Finished runs are skipped, and what was interrupted or
    killed goes on from its last checkpoint; the folder is printed at the end.

    Example: probes record theory --set runs.single=5 --out runs/theory
    """
    chosen = _chosen(recipe, settings, runs, seed)
    root = out or Path("runs") / chosen.name

    try:
        with Progress() as progress:
            record_study(chosen, root, force=force, checkpoint_seconds=checkpoint_seconds, watcher=progress)
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"\nprobes: interrupted; the same command goes on with {root} from there", err=True)
        raise
    click.echo(root)


def _chosen(recipe: str, settings: tuple[str, ...], runs: int | None, seed: int | None) -> Recipe:
    """The recipe with what the options change."""
    changes = {"runs.single": runs, "seed": seed}
    texts = {key: str(value) for key, value in changes.items() if value is not None}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign:
            raise UsageError(f"expected --set KEY=VALUE, got {setting!r}, for example --set network.neurons=8")
        texts[key.strip()] = value.strip()

    try:
        return override(load(recipe), texts)
    except ValueError as error:
        raise UsageError(str(error)) from error
