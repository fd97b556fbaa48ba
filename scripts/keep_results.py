"""What a recorded study measured, and with what: claims, recipe, seeds, versions, wall time and log size as JSON."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from probes.analysis import claims, records
from probes.store import open_logs


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True))
def main(root: Path) -> None:
    """Print the results of the study under ROOT."""
    click.echo(json.dumps(results(root), indent=2))


def results(root: Path) -> dict[str, Any]:
    """Return the results of a study; the wall time runs from its first run's start to its last run's end."""
    logs = open_logs(root)
    manifests = [log.manifest for log in logs]
    files = [path for log in logs for path in Path(log.path).iterdir()]
    began = min(datetime.fromisoformat(manifest.created) for manifest in manifests)
    ended = max(datetime.fromisoformat(manifest.created).timestamp() + manifest.wall_seconds for manifest in manifests)

    return {
        "recipe": manifests[0].recipe,
        "commit": manifests[0].commit,
        "versions": dict(manifests[0].versions),
        "recorded": began.isoformat(timespec="seconds"),
        "wall_seconds": round(ended - began.timestamp(), 1),
        "bytes": sum(path.stat().st_size for path in files),
        "runs": [
            {"run": manifest.run_id, "seeds": dict(manifest.seeds), "steps": int(log.steps[-1]), "status": log.status}
            for manifest, log in zip(manifests, logs, strict=True)
        ],
        "claims": records(claims(logs)),
    }


if __name__ == "__main__":
    main()
