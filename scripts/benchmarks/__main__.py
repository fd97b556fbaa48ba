"""Measure the ratios and print them as a table, or as JSON."""

import json
from importlib import import_module

import click

from probes.cli.tables import show

GROUPS = ("learners", "images", "study", "recorder", "quantities", "store", "analysis")


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(GROUPS))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def main(groups: tuple[str, ...], *, as_json: bool) -> None:
    """Measure the ratios of GROUPS (default: all); every ratio compares two things timed in turns in this run."""
    rows = []
    for group in groups or GROUPS:
        click.echo(f"measuring {group} ...", err=True)
        rows += import_module(f"scripts.benchmarks.{group}").measure()

    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    show(
        ["what", "ratio", "target", "how"],
        [[str(row["name"]), f"{row['ratio']:.2f}", str(row["target"]), str(row["note"])] for row in rows],
    )


if __name__ == "__main__":
    main()
