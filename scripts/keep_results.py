"""What a recorded study measured, and with what: claims, recipe, seeds, versions, wall time and log size as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from probes.analysis.theory import claims, records
from probes.log import Manifest, open_logs


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True))
def main(root: Path) -> None:
    """Print the results of the study under ROOT."""
    click.echo(json.dumps(results(root), indent=2))


def results(root: Path) -> dict[str, Any]:
    """Return the results of a study; the wall time is that in which any of its runs was recorded.

    Runs finished before the recipe last changed do not depend on the change, or they would have been made anew.
    """
    logs = open_logs(root)
    manifests = [log.manifest for log in logs]
    files = [path for log in logs for path in Path(log.path).iterdir()]
    in_turn = sorted(manifests, key=_began)
    first, last = in_turn[0], in_turn[-1]

    return {
        "recipe": last.recipe,
        "commit": last.commit,
        "versions": dict(last.versions),
        "recorded": datetime.fromisoformat(first.created).isoformat(timespec="seconds"),
        "wall_seconds": round(_covered([(_began(run), _began(run) + run.wall_seconds) for run in in_turn]), 1),
        "bytes": sum(path.stat().st_size for path in files),
        "runs": [
            {"run": manifest.run_id, "seeds": dict(manifest.seeds), "steps": int(log.steps[-1]), "status": log.status}
            for manifest, log in zip(manifests, logs, strict=True)
        ],
        "claims": records(claims(logs)),
    }


def _began(manifest: Manifest) -> float:
    return datetime.fromisoformat(manifest.created).timestamp()


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that lie in at least one span, of spans in the order of their starts."""
    total, until = 0.0, 0.0
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


if __name__ == "__main__":
    main()
