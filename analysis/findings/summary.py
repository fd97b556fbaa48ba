"""One row for each kind of run: what a reader wants on one screen."""

from collections.abc import Mapping

import pandas as pd

from probes.analysis.findings.learned import learned
from probes.analysis.findings.outputs import ALL, outputs
from probes.analysis.findings.specialisation import specialisation
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.errors import LogError

__all__ = ["COLUMNS", "panel", "summary"]

COLUMNS = {
    "kind": "member (a run without teachers), student, or other",
    "runs": "number of runs",
    "last_step": "last step recorded, the largest",
    "features_learned": "share of the features that were learned, mean over runs; one column for each tap",
    "units_specialised": "share of the units that carry one feature, mean over runs; one column for each tap",
    "error": "share of samples that is wrong at the last stored outputs, mean over runs; one column for each set",
}

_KIND = ["kind", "role", "variant"]
_TAPS = 4  # whose columns the table has; of more only the first


@finding
def summary(study: Study) -> pd.DataFrame:
    """Return one row per (kind, role, variant) of the usable runs, with means over them.

    Columns of a tap or an evaluation set carry its name where there are several. What was not recorded has no column.

    Args:
        study: A study, logs, or a path.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = summary(Study(example_study()))
        >>> table[["kind", "role", "runs", "features_learned"]].round(2).values.tolist()[0]
        ['member', 'single', 5, 0.55]
    """
    kinds = pd.DataFrame({
        "run": [log.label for log in study.usable],
        "kind": [_kind_of(study, log.label) for log in study.usable],
        "role": [log.manifest.role for log in study.usable],
        "variant": [log.manifest.variant for log in study.usable],
        "last_step": [int(log.steps[-1]) for log in study.usable],
    })
    for name, values in _columns(study).items():
        kinds[name] = kinds["run"].map(values).astype(float)

    means = {name: (name, "mean") for name in kinds.columns[5:]}
    grouped = kinds.groupby(_KIND, observed=True, sort=False)
    return grouped.agg(runs=("run", "size"), last_step=("last_step", "max"), **means).reset_index()


def panel(study: Study) -> Panel:
    """Return the panel of what each kind of run ends with, a table."""
    return Panel("summary", "What runs end with", "Means over the runs of each kind.", summary(study), opened=True)


def _kind_of(study: Study, label: str) -> str:
    if label in {log.label for log in study.members}:
        return "member"

    return "student" if label in {log.label for log in study.students} else "other"


def _columns(study: Study) -> Mapping[str, Mapping[str, float]]:
    """Return each column's values by run; what cannot be found is left out."""
    found: dict[str, Mapping[str, float]] = {}
    several = len(study.taps) > 1
    for tap in list(study.taps)[:_TAPS]:
        for column, table, value in (
            ("features_learned", learned, "learned"),
            ("units_specialised", specialisation, "specialised"),
        ):
            try:
                rows = table(study, tap).astype({"run": object})
            except LogError:
                continue
            means = rows.groupby("run")[value].mean()
            found[f"{column} {tap}" if several else column] = {str(run): float(mean) for run, mean in means.items()}
    try:
        rows = outputs(study)
    except LogError:
        return found
    last = rows[(rows["step"] == rows.groupby(["run", "set"])["step"].transform("max")) & (rows["group"] == ALL)]
    for name, part in last.groupby("set", sort=False):
        found[f"error {name}"] = dict(zip(part["run"], part["error"], strict=True))

    return found
