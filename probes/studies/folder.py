"""The folder of a study: what became of its runs, and what must not be mixed with them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from probes.analysis.sweeps.table import TABLE
from probes.errors import RunError
from probes.log.layout import MANIFEST
from probes.log.manifest import read_manifest
from probes.studies.phases import Phase

__all__ = ["ENDED", "check_root", "check_runs", "finished", "status_of", "study_hash"]

ENDED = ("finished", "diverged")


def status_of(run_dir: Path) -> str:
    """Return the status of a run, empty where there is none.

    Example:
        >>> status_of(Path("nowhere"))
        ''
    """
    return read_manifest(run_dir).status if (run_dir / MANIFEST).is_file() else ""


def finished(root: Path, run_ids: Sequence[str]) -> tuple[str, ...]:
    """Return those of some runs that finished; what diverged can teach nobody.

    Example:
        >>> finished(Path("nowhere"), ["single-00"])
        ()
    """
    return tuple(run_id for run_id in run_ids if status_of(root / run_id) == "finished")


def study_hash(recipe: Mapping[str, Any]) -> str:
    """Return what all runs of a study share: a hash of its recipe, whatever it is called.

    Example:
        >>> study_hash({"name": "a", "seed": 0}) == study_hash({"name": "b", "seed": 0})
        True
    """
    specification = json.dumps({**recipe, "name": ""}, sort_keys=True)

    return hashlib.sha256(specification.encode()).hexdigest()[:16]


def check_root(root: Path) -> None:
    """Refuse what is no folder for runs.

    Raises:
        RunError: If it is a file or a run, or holds a sweep.

    Example:
        >>> check_root(Path("nowhere"))
    """
    found = {"a file": root, "a run": root / MANIFEST, "a sweep or a study over seeds": root / TABLE}
    got = next((name for name, path in found.items() if path.is_file()), "")
    if got:
        raise RunError(f"expected a folder for runs at {root}, got {got}: name another with --out")


def check_runs(root: Path, phases: Sequence[Phase]) -> None:
    """Refuse a folder that holds what this study would mix with.

    Raises:
        RunError: If it holds a run that is not planned.

    Example:
        >>> check_runs(Path("nowhere"), [])
    """
    planned = {run.run_id for phase in phases for run in phase.runs}
    present = sorted(path.parent.name for path in root.glob(f"*/{MANIFEST}"))
    other = [name for name in present if name not in planned]
    if other:
        raise RunError(
            f"expected runs of this study in {root}, got others ({other[0]}, {len(other)} in all): name "
            "another folder with --out, or keep both with --force"
        )
