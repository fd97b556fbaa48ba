"""`probes list`: the runs under a folder."""

import json
from pathlib import Path
from typing import Any

import click

from probes.cli.tables import show
from probes.store import open_logs
from probes.store.protocol import LogLike


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(root: Path, as_json: bool) -> None:
    """List the runs under ROOT: role, variant, last step, size and status; a fault found in a log is named.

    Example: probes list runs/theory
    """
    rows = [_row(log) for log in open_logs(root)]
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


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
