"""`probes outputs`: what a network says of an evaluation set, from a file."""

import zipfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from probes.errors import UsageError
from probes.log import Outputs, open_log, write_outputs

_ARRAYS = ("logits", "labels", "groups", "ids")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "file",
    required=True,
    metavar="FILE.npz",
    type=click.Path(path_type=Path),
    help="Arrays named logits (sample, class) and, if there are some, labels, groups and ids (sample,).",
)
@click.option("--name", default="test", show_default=True, help="Name of the evaluation set, the same for all runs.")
@click.option("--step", type=click.IntRange(min=0), help="Updates that the network had seen; default the run's last.")
def command(run: Path, file: Path, name: str, step: int | None) -> None:
    """Store with RUN what its network, of whatever framework, says of the samples of an evaluation set.

    What was stored of the same set and step is replaced. Labels are class numbers from 0 on, groups and ids integers
    or strings; the set has the same samples in the same order at every step and in all runs.

    \b
    Example:
      probes outputs runs/seed-0 --from test-outputs.npz
      probes outputs runs/seed-0 --from clean-at-1000.npz --name clean --step 1000
    """  # noqa: D301 - the mark that click leaves lines as they are after
    arrays = _loaded(file)
    if step is None:
        step = int(max(open_log(run).steps, default=0))
    try:
        path = write_outputs(run, Outputs(name, step, **arrays))
    except (TypeError, ValueError) as error:
        raise UsageError(f"refused `{file}`: {error}") from error

    samples, classes = arrays["logits"].shape
    click.echo(f"{path}: {samples:,} samples, {classes:,} classes")


def _loaded(file: Path) -> dict[str, Any]:
    """The arrays of a file, none of which is made of Python's objects."""
    try:
        with np.load(file, allow_pickle=False) as found:
            arrays = dict(found)
    except FileNotFoundError as error:
        raise UsageError(f"expected a file at `{file}`, got none") from error
    except (AttributeError, OSError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"expected arrays that `numpy.savez` wrote in `{file}`, got {reason}") from error
    if "logits" not in arrays or not arrays.keys() <= {*_ARRAYS}:
        got = ", ".join(arrays) or "none"
        raise UsageError(f"expected `logits` and at most {', '.join(_ARRAYS[1:])} in `{file}`, got {got}")
    return arrays
