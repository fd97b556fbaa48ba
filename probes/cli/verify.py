"""`probes verify`: check every byte of runs."""

import json
from pathlib import Path

import click

from probes.log.verification import Finding, run_folders, verify

DOES_NOT_HOLD = 3


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--seconds", type=click.IntRange(min=1), help="Processor time for one file; default 30, and 4 for each MB."
)
@click.option("--json", "as_json", is_flag=True, help="Print a row for every run as JSON.")
def command(runs: tuple[Path, ...], seconds: int | None, as_json: bool) -> None:
    """Check every byte of every RUN, or of every run below it, and print a line for every fault.

    Nothing is changed, and no file can do harm: each is read in a process of its own, with limits. Exit code 3 where
    there is a fault. What is no fault but worth to know goes to stderr.

    Example: probes verify runs/theory
    """
    folders = run_folders(runs)
    found: list[Finding] = []
    for each in verify(folders, seconds=seconds):
        found.append(each)
        if not as_json:
            click.echo(each.text, err=not each.is_fault)

    count = sum(each.is_fault for each in found)
    if as_json:
        click.echo(json.dumps([_row(folder, found) for folder in folders], indent=2))
    click.echo(f"runs: {len(folders)}, faults: {count}", err=True)
    if count:
        raise click.exceptions.Exit(DOES_NOT_HOLD)


def _row(run: Path, found: list[Finding]) -> dict[str, object]:
    texts = {kind: [each.text for each in found if each.run == run and each.is_fault == kind] for kind in (True, False)}
    return {"run": str(run), "whole": not texts[True], "faults": texts[True], "notes": texts[False]}
