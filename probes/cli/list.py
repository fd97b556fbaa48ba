"""`probes list`: the runs under a folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from probes.analysis.sweeps.table import is_sweep, points
from probes.cli.tables import show
from probes.cli.unreadable_runs import fail_for
from probes.errors import LogError
from probes.log import open_logs
from probes.log.layout import OUTPUTS
from probes.log.protocol import LogLike

_OPTIONAL = {"name", "role", "variant", "parents"}  # columns that people see where a run has any


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, as_json: bool) -> None:
    """List the runs under ROOT: name, role, parents, last step, size and status; a fault found in a log is named.

    A run that cannot be read hides no other: it is named on stderr, and the exit code is 1. Of a sweep's runs it also
    says to which point each belongs: its folder, its values and its seed.

    Example: probes list runs/theory
    """
    logs = open_logs(root)
    damaged: dict[str, str] = {}
    rows = _with_points([_row(log, damaged) for log in logs], logs)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        columns = [name for name in rows[0] if name not in _OPTIONAL or any(row[name] for row in rows)]
        show(columns, [[_text(row[name]) for name in columns] for row in rows])
    fail_for({**logs.left_out, **damaged})


def _row(log: LogLike, damaged: dict[str, str]) -> dict[str, Any]:
    """The row of a run; what is wrong with one whose steps cannot be read is noted."""
    manifest = log.manifest
    steps, status = np.empty(0, np.int64), manifest.status
    try:
        steps, faults, status = log.steps, list(log.faults), log.status
    except (LogError, OSError) as error:
        damaged[log.label] = str(error)
        faults = [str(error)]

    return {
        "run": log.label,
        "name": manifest.name,
        "role": manifest.role,
        "variant": manifest.variant,
        "parents": list(manifest.parents),
        "steps": int(steps[-1]) if len(steps) else 0,
        "rows": len(steps),
        "bytes": sum(_sizes(Path(log.path))),
        "status": status,
        "reason": manifest.reason,
        "faults": faults,
    }


def _sizes(folder: Path) -> Iterator[int]:
    """The bytes of each file of a run."""
    for path in folder.iterdir():
        if path.is_file():
            yield path.stat().st_size
        elif path.name == OUTPUTS and not path.is_symlink():
            yield from _sizes(path)


def _with_points(rows: Sequence[dict[str, Any]], logs: Sequence[LogLike]) -> list[dict[str, Any]]:
    """The rows, each behind the point of a sweep that its run belongs to; as they are where there is no sweep."""
    folders = [Path(log.path).absolute().parent for log in logs]
    tables = {folder.parent: points(folder.parent) for folder in folders if is_sweep(folder.parent)}
    if not tables:
        return list(rows)
    none: Mapping[str, Any] = {"point": "", "values": {}, "seed": None}
    found = [tables.get(folder.parent, {}).get(folder.name, none) for folder in folders]

    return [{**point, **row} for point, row in zip(found, rows, strict=True)]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, dict):
        return " ".join(f"{key}={json.dumps(item)}" for key, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value or "")
