"""One row for each kind of run: what a reader wants on one screen."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

import pandas as pd

from probes.analysis.findings.learned import learned
from probes.analysis.findings.outputs import last_of_all, outputs
from probes.analysis.findings.specialisation import specialisation
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.errors import LogError

__all__ = ["COLUMNS", "panel", "summary"]

COLUMNS = {
    "kind": "member (a run without teachers), student, or other",
    "runs": "number of runs",
    "last_step": "last step recorded, the largest",
    "tap": "series that the next two columns are of, where there are several",
    "features_learned": "share of the features that were learned, mean over runs",
    "units_specialised": "share of the units that carry one feature, mean over runs",
    "error": "share of samples that is wrong at the last stored outputs, mean over runs; one column for each set",
}

_KIND = ["kind", "role", "variant"]
_TAPS = 8  # that the table has rows of; of more only the first


@finding
def summary(study: Study) -> pd.DataFrame:
    """Return one row per (kind, role, variant), and per tap where there are several, with means over the usable runs.

    A column of errors carries the name of its evaluation set. What was not recorded has no column.

    Args:
        study: A study, logs, or a path.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = summary(Study(example_study()))
        >>> table[["kind", "role", "runs", "features_learned"]].round(2).values.tolist()[:2]
        [['other', 'average', 1, 0.5], ['student', 'distilled', 1, 1.0]]
    """
    kinds = pd.DataFrame({
        "run": [log.label for log in study.usable],
        "kind": [_kind_of(study, log.label) for log in study.usable],
        "role": [log.manifest.role for log in study.usable],
        "variant": [log.manifest.variant for log in study.usable],
        "last_step": [int(log.steps[-1]) for log in study.usable],
    })
    errors = _errors(study)
    several = len(study.taps) > 1

    taps = islice(study.taps, _TAPS)
    tables = [_means(kinds, _of_tap(study, tap) | errors, tap if several else "") for tap in taps]
    found = pd.concat(tables or [_means(kinds, errors, "")], ignore_index=True)
    return found if several else found.drop(columns="tap")


def _means(kinds: pd.DataFrame, columns: Mapping[str, Mapping[str, float]], tap: str) -> pd.DataFrame:
    """Return the means of each kind of run of columns whose values are given by run."""
    filled = kinds.assign(**{name: kinds["run"].map(values).astype(float) for name, values in columns.items()})
    means = {name: (name, "mean") for name in columns}
    grouped = filled.groupby(_KIND, observed=True, sort=False)
    found = grouped.agg(runs=("run", "size"), last_step=("last_step", "max"), **means).reset_index()
    found.insert(5, "tap", tap)

    return found


def panel(study: Study) -> Panel:
    """Return the panel of what each kind of run ends with, a table."""
    return Panel("summary", "What runs end with", "Means over the runs of each kind.", summary(study), opened=True)


def _kind_of(study: Study, label: str) -> str:
    if label in {log.label for log in study.members}:
        return "member"

    return "student" if label in {log.label for log in study.students} else "other"


def _of_tap(study: Study, tap: str) -> dict[str, Mapping[str, float]]:
    """Return what a tap's columns are by run; what cannot be found is left out."""
    found: dict[str, Mapping[str, float]] = {}
    for column, table, value in (
        ("features_learned", learned, "learned"),
        ("units_specialised", specialisation, "specialised"),
    ):
        with suppress(LogError):
            means = table(study, tap).astype({"run": object}).groupby("run")[value].mean()
            found[column] = {str(run): float(mean) for run, mean in means.items()}

    return found


def _errors(study: Study) -> dict[str, Mapping[str, float]]:
    """Return the error of each evaluation set by run; none where no outputs are stored."""
    try:
        last = last_of_all(outputs(study))
    except LogError:
        return {}

    return {
        f"error {name}": dict(zip(part["run"], part["error"], strict=True))
        for name, part in last.groupby("set", sort=False)
    }
