"""The runs that `--parent` names, by a path or an id, read without numpy and torch, which the program may set up."""

import json
from collections.abc import Iterable
from pathlib import Path

from probes.errors import UsageError

__all__ = ["MANIFEST", "parent_ids"]

MANIFEST = "run.json"  # as in `probes.log.layout`, which loads numpy


def parent_ids(parents: Iterable[str], root: Path) -> tuple[str, ...]:
    """The ids of recorded runs, each once.

    Args:
        parents: Paths of runs, or ids of runs that lie below the root.
        root: Folder of the runs.

    Raises:
        UsageError: one of them is no run.

    Example:
        >>> run = Path("runs/study/seed-0")
        >>> run.mkdir(parents=True, exist_ok=True)
        >>> _ = (run / MANIFEST).write_text('{"run_id": "seed-0"}')
        >>> parent_ids(["runs/study/seed-0", "seed-0"], Path("runs"))
        ('seed-0',)
    """
    return tuple(dict.fromkeys(_id_of(parent, root) for parent in parents))


def _id_of(parent: str, root: Path) -> str:
    if Path(parent).exists():
        return _read(Path(parent))
    if "/" not in parent:
        direct = root / parent / MANIFEST
        for manifest in [direct] if direct.is_file() else sorted(root.rglob(MANIFEST)):
            if manifest.parent.name == parent:
                return _read(manifest.parent)
    raise UsageError(f"expected for --parent the path of a run, or the id of one below {root}, got `{parent}`")


def _read(run: Path) -> str:
    try:
        run_id = json.loads((run / MANIFEST).read_text())["run_id"]
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"expected for --parent a recorded run, got `{run}`, where no {MANIFEST} can be read"
        ) from error
    return str(run_id)
