"""Studies over seeds: a sweep that varies nothing else, whose points are the same study again."""

from pathlib import Path
from typing import Any

from probes.analysis.study import Study, open_study
from probes.analysis.sweeps.table import axes_of, is_sweep, sweep_table
from probes.errors import ProbesError

__all__ = ["is_over_seeds", "seed_studies"]


def is_over_seeds(root: str | Path) -> bool:
    """Return whether a folder holds studies at several seeds that differ in nothing else.

    Example:
        >>> is_over_seeds("nowhere")
        False
    """
    return is_sweep(root) and not axes_of(sweep_table(root))


def seed_studies(root: str | Path, **options: Any) -> tuple[dict[int, Study], dict[str, str]]:
    """Return the finished studies of a folder by seed, and why others are left out, by "seed N".

    Args:
        root: The folder.
        options: Handed to `open_study`, as `rule`.

    Raises:
        LogError: the folder holds no table of a sweep.

    Example:
        >>> from probes.analysis.sweeps.table import written
        >>> row = {"point": "01", "seed": 3, "path": "01", "status": "waiting"}
        >>> _ = Path("sweep.csv").write_text(written([row], []))
        >>> seed_studies(".")
        ({}, {'seed 3': 'waiting'})
    """
    found: dict[int, Study] = {}
    left_out: dict[str, str] = {}
    for point in sweep_table(root).to_dict("records"):
        if point["status"] != "finished":
            left_out[f"seed {point['seed']}"] = str(point["error"] or point["status"])
            continue
        try:
            found[int(point["seed"])] = open_study(Path(root) / str(point["path"]), **options)
        except ProbesError as error:
            left_out[f"seed {point['seed']}"] = str(error)
    return found, left_out
