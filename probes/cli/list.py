"""`probes list`: the runs under a folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from probes.analysis.sweeps.table import is_sweep, points
from probes.cli.tables import show
from probes.logs import open_logs
from probes.logs.protocol import LogLike


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, as_json: bool) -> None:
    """List the runs under ROOT: role, variant, last step, size and status; a fault found in a log is named.

    Of a sweep's runs it also says to which point each belongs: its folder, its values and its seed.

    Example: probes list runs/theory
    """
    logs = open_logs(root)
    rows = _with_points([_row(log) for log in logs], logs)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return

    show(list(rows[0]), [[_text(value) for value in row.values()] for row in rows])


def _row(log: LogLike) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in Path(log.path).iterdir() if path.is_file())
    manifest = log.manifest

    return {
        "run": manifest.run_id,
        "role": manifest.role,
        "variant": manifest.variant,
        "steps": int(log.steps[-1]) if len(log.steps) else 0,
        "rows": len(log.steps),
        "bytes": size,
        "status": log.status,
        "reason": manifest.reason,
        "faults": list(log.faults),
    }


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
