"""`probes export`: a run in other tools' formats."""

import json
from pathlib import Path

import click

from probes.cli.amounts import as_bytes
from probes.cli.messages import say
from probes.log import open_log
from probes.log.exports import FORMATS, export


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Choice(FORMATS), help="Format.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for tables, file for netCDF; default: named as RUN."
)
@click.option("--series", multiple=True, metavar="NAME", help="Only this series, without scalars; may be repeated.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(run: Path, to: str, out: Path | None, series: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Write the series and scalars of RUN for other tools, and print each file and its size.

    CSV and Parquet: a table a series, with a row for every step and cell, and one of the scalars. netCDF: one file,
    for xarray.open_dataset(FILE, engine="h5netcdf"). What is missing or damaged in the log is named on stderr.

    Example: probes export runs/seed-0 --to parquet
    """
    log = open_log(run)
    rows = []
    for each in export(log, to, out, series=series, overwrite=force):
        rows.append({"file": str(each.path), "holds": each.holds, "bytes": each.bytes})
        if not as_json:
            click.echo(f"{each.path}: {as_bytes(each.bytes)}")
    for fault in log.faults:
        say(fault)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
