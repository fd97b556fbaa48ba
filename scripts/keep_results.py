"""What a recorded study measured, and with what: claims, recipe, seeds, versions, wall time and log size as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from probes.analysis.sweeps.seeds import is_over_seeds, seed_studies
from probes.analysis.sweeps.table import sweep_table
from probes.analysis.theory import claims, records
from probes.analysis.theory.over_seeds import claims_over_seeds
from probes.log import Manifest, open_logs

_OF_A_SEED = ("commit", "versions", "recorded", "wall_seconds", "bytes", "claims")


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True))
def main(root: Path) -> None:
    """Print the results of the study under ROOT; of studies at several seeds each one's, and their claims pooled."""
    click.echo(json.dumps(over_seeds(root) if is_over_seeds(root) else results(root), indent=2))


def over_seeds(root: Path) -> dict[str, Any]:
    """Return the claims pooled over the finished studies under a root, and each study's own results but its runs."""
    studies, left_out = seed_studies(root)
    paths = [root / str(row["path"]) for row in sweep_table(root).to_dict("records") if int(row["seed"]) in studies]
    own = [results(path) for path in paths]

    return {
        "recipe": own[0]["recipe"],
        "seeds": [each["recipe"]["seed"] for each in own],
        "left_out": left_out,
        "claims": records(claims_over_seeds(studies)),
        "studies": [{"seed": each["recipe"]["seed"]} | {name: each[name] for name in _OF_A_SEED} for each in own],
    }


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
