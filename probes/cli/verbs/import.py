"""`probes import`: a log from checkpoints."""

from pathlib import Path

import click

from probes.checkpoints import find_checkpoints, import_checkpoints
from probes.cli.messages import say
from probes.launch import parent_ids, parse_taps
from probes.launch.taps import Taps


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, metavar="CHECKPOINT...")
@click.option("--out", "run", required=True, metavar="RUN", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--tap",
    "taps",
    multiple=True,
    metavar="NAME=FILE",
    help="Correlate parameters of that name or glob with directions; forms as of `probes record`.",
)
@click.option(
    "--step",
    "steps",
    default="",
    metavar="PATTERN|FILE.csv",
    help="Where the step stands: a regular expression with one group, or a table with columns file and step.",
)
@click.option(
    "--key", default="", help="Entry of a file of torch.save that holds the state dict, where it has several."
)
@click.option("--name", default="", help="What people call the run.")
@click.option("--role", default="", help='What the run is for, free text, as "student".')
@click.option("--parent", "parents", multiple=True, metavar="RUN", help="A run that this one learned from.")
@click.option("--force", is_flag=True, help="Replace a run that stands there.")
def command(
    checkpoints: tuple[str, ...],
    run: Path,
    taps: tuple[str, ...],
    steps: str,
    key: str,
    name: str,
    role: str,
    parents: tuple[str, ...],
    force: bool,
) -> None:
    """Make a run of CHECKPOINTs: a row for each, as if it had been recorded at these steps.

    A CHECKPOINT is a file of torch.save (weights only: nothing in it is run), a .safetensors file, the index of sharded
    ones, a folder of Hugging Face's, or a glob of these in quotes. Its step is the number after step, iter, checkpoint
    or ckpt in its path, unless --step says otherwise. Without --tap the norm of every weight is recorded.

    What is wrong with them is printed to stderr and stands in the run, where `probes verify` finds it: steps with the
    same weights, shards of another step, a step 0 that is not where the run began, missing steps, other architectures,
    damaged files. Those that cannot be used are left out.

    \b
    Example:
      probes import --tap fc1.weight=directions.npy 'checkpoints/step*.pt' --out runs/seed-0
      probes import 'pythia/step*/' --tap '*.dense_h_to_4h.weight=directions.npy' --out runs/pythia
      probes import 'ckpt/epoch_*.pt' --step 'epoch_(\\d+)' --key model --out runs/seed-1
    """  # noqa: D301 - the mark that click leaves lines as they are after
    texts = parse_taps(taps)
    for text in texts.values():
        text.check()
    found = find_checkpoints(checkpoints, steps)
    ids = parent_ids(parents, run.parent)
    notes = import_checkpoints(found, run, Taps(texts).of, key=key, name=name, role=role, parents=ids, overwrite=force)
    for note in notes:
        say(f"probes: {run}: {note}")
    click.echo(run)
