"""Every run of a study: who it is, how far it came, and what of its log is missing."""

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "panel", "runs"]

COLUMNS = {
    "run": "the run's id, or its path below the root where two runs have the same id",
    "name": "the run's display name",
    "role": "what the run is for, free text",
    "variant": "a finer distinction of the role",
    "status": "recording, finished, diverged, interrupted, stopped or failed, when the study was opened",
    "first_step": "first step recorded",
    "last_step": "last step recorded",
    "rows": "number of recorded steps",
    "parents": "ids of the runs it learns from, its teachers",
    "continues": "run whose final weights this run started from",
    "faults": "what of the log is missing or damaged, and teachers that are not in the study",
}


@finding
def runs(study: Study) -> pd.DataFrame:
    """Return one row per run, whatever became of it.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> runs(example_study()).loc[3, ["run", "parents"]].to_list()
        ['self_distilled-fresh-00', 'single-01']
    """
    return pd.DataFrame([_run(study, log) for log in study.logs], columns=list(COLUMNS))


def _run(study: Study, log: LogLike) -> dict[str, object]:
    damage = [study.unreadable[log.label]] if log.label in study.unreadable else []
    manifest, steps = log.manifest, [] if damage else log.steps.tolist()
    missing = study.missing_teachers.get(log.label, ())
    absent = [f"expected its teachers among the runs, {', '.join(missing)} missing"] if missing else []

    return {
        "run": log.label,
        "name": manifest.name,
        "role": manifest.role,
        "variant": manifest.variant,
        "status": study.statuses[log.label],
        "first_step": steps[0] if steps else None,
        "last_step": steps[-1] if steps else None,
        "rows": len(steps),
        "parents": " ".join(manifest.parents),
        "continues": manifest.continues,
        "faults": "; ".join([*(damage or log.faults), *absent]),
    }


def panel(study: Study) -> Panel:
    """Return the panel of every run, a table."""
    caption = "Runs that diverged or failed, that have no step, or whose log cannot be read are in no finding."

    return Panel("runs", "Every run", caption, runs(study))
