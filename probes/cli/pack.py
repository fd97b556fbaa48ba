"""`probes pack`: a run as one file."""

from pathlib import Path

import click

from probes.cli.amounts import as_bytes
from probes.cli.messages import say
from probes.log import open_log
from probes.log.exports import fresh, pack_into


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def command(run: Path, file: Path, force: bool) -> None:
    """Write rows, scalars and outputs of RUN into FILE, an HDF5 file that needs no other, and print its size.

    What is missing or damaged in the log is named on stderr.

    Example: probes pack runs/seed-0 seed-0.h5
    """
    log = open_log(run)
    with fresh(file, overwrite=force) as target, target.open("w+b") as stream:
        pack_into(log, stream)
    for fault in log.faults:
        say(fault)
    click.echo(f"{file}: {as_bytes(file.stat().st_size)}")
