"""`probes estimate`: bytes and time before the run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from probes.cli.amounts import as_bytes, as_clock, one_line
from probes.cli.console import console
from probes.cli.recipe_options import chosen_recipe, recipe_arguments
from probes.cli.sweep_recording import estimate_sweep_file, is_sweep_file
from probes.errors import UsageError
from probes.schedules import every, logarithmic
from probes.studies.estimate import RULE, Estimate, estimate, free_bytes
from probes.studies.experiment import AnyRecipe
from probes.studies.kinds import experiment

_THINNER = (every(10), logarithmic(20), logarithmic(10))
_TIME = "time: the median of a few recorded steps on this machine as it is now, times their number; an estimate"


@click.command()
@recipe_arguments
@click.option("--out", type=click.Path(path_type=Path), help="Folder the runs would go to; default runs/NAME.")
@click.option("--workers", type=click.IntRange(min=1), help="Sweep: number of processes; default one.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(
    recipe: str,
    settings: tuple[str, ...],
    runs: int | None,
    seed: int | None,
    out: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Say what it takes to record the study RECIPE: bytes and time, phase by phase, and what thinner schedules take.

    A few steps of each phase are trained for it, some seconds in all; nothing is kept. The arguments are those of
    `probes record`. Of a sweep's file: the points that are left, their bytes and time, and with --json those of each.

    Example: probes estimate theory --set network.neurons=20
    """
    if is_sweep_file(recipe):
        given: dict[str, Any] = {"settings": settings, "runs": runs, "seed": seed, "workers": workers}
        estimate_sweep_file(recipe, out, **given, as_json=as_json)
        return
    if workers is not None:
        raise UsageError("expected `--workers` with a sweep, got it with a recipe, whose runs train side by side")
    _estimate(recipe, settings, runs, seed, out, as_json=as_json)


def _estimate(
    recipe: str, settings: tuple[str, ...], runs: int | None, seed: int | None, out: Path | None, *, as_json: bool
) -> None:
    """Say what a study takes."""
    chosen = chosen_recipe(recipe, settings, runs, seed)
    free = free_bytes(out or Path("runs") / chosen.name)
    found, seconds = estimate(chosen), experiment(chosen).seconds()

    if as_json:
        rows = {"phases": _phases(found, seconds), "thinner": _thinner(chosen, found)}
        total = {"bytes": found.total, "peak_bytes": found.peak, "seconds": sum(seconds), "free_bytes": free}
        click.echo(json.dumps({**rows, **total, "rules": [RULE, _TIME]}, indent=2))
        return
    _print(_phases(found, seconds), title="What is stored of each phase, outputs on test sets with it, and its time")
    _print(_thinner(chosen, found), title="\nThe same runs by other schedules")
    click.echo(f"\n{RULE}\n{_TIME}")
    click.echo(f"while it is recorded: up to {as_bytes(found.peak)}, with journals and a checkpoint")
    click.echo(f"\n{chosen.name}: {one_line(found.total, free, sum(seconds))}")


def _phases(found: Estimate, seconds: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {
            "phase": phase.name,
            "runs": phase.runs,
            "steps": phase.steps,
            "values": phase.values,
            "raw_bytes": phase.raw,
            "log_bytes": phase.log,
            "weights_bytes": phase.runs * phase.weights,
            "tests_bytes": phase.runs * phase.tests,
            "total_bytes": phase.total,
            "seconds": round(time, 2),
        }
        for phase, time in zip(found.phases, seconds, strict=True)
    ]


def _thinner(recipe: AnyRecipe, found: Estimate) -> list[dict[str, Any]]:
    estimates = [found, *(estimate(recipe, schedule=schedule) for schedule in _THINNER)]
    return [
        {
            "schedule": str(one.schedule),
            "rows": sum(phase.runs * phase.rows for phase in one.phases),
            "raw_bytes": one.raw,
            "log_bytes": one.log,
            "total_bytes": one.total,
        }
        for one in estimates
    ]


def _print(rows: Sequence[dict[str, Any]], *, title: str) -> None:
    """Print the rows for people, with a unit on every amount, no wider than 80 columns."""
    screen = console()
    shown = [name for name in rows[0] if name != "tests_bytes"]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for place, name in enumerate(shown):
        heading = name.removesuffix("_bytes").replace("seconds", "time")
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0)
    for row in rows:
        table.add_row(*(_text(name, row[name]) for name in shown))

    screen.print(title, style="bold")
    screen.print(table)


def _text(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return as_bytes(value)
    if name == "seconds":
        return as_clock(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
