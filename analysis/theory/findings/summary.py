"""One row per role and variant: what a reader wants on one screen."""

import pandas as pd

from probes.analysis.findings.runs import runs
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.roles import race_learned, races

__all__ = ["COLUMNS", "panel", "summary"]

COLUMNS = {
    "runs": "number of runs",
    "last_step": "last step recorded",
    "train_error": "share of the training set that is wrong, mean over runs",
    "single_view_error": "share of single-view test samples that is wrong, mean over runs",
    "multi_view_error": "share of multi-view test samples that is wrong, mean over runs",
    "test_error_mu": "test error in mu, mean over runs",
    "features_learned": "share of all features that were learned, mean over runs",
}

_KIND = ["role", "variant"]


@finding
def summary(study: Study) -> pd.DataFrame:
    """Return one row per (role, variant): its runs, and means over them of errors and of the share of features learned.

    Args:
        study: A study of the theory, logs, or a path; runs that diverged or failed are left out.

    Example:
        >>> summary([]).empty
        True
    """
    if not study.usable:
        return pd.DataFrame(columns=[*_KIND, *COLUMNS])

    everyone = runs(study)
    counted = everyone[everyone["run"].isin([log.label for log in study.usable])]
    errors = error_rates(study).pivot_table("error", [*_KIND], "measure", observed=True)
    learned = [race_learned(study)] if races(study) else []
    found = [table.groupby(_KIND, observed=True).agg(features_learned=("learned", "mean")) for table in learned]
    table = counted.groupby(_KIND, observed=True, sort=False).agg(runs=("run", "size"), last_step=("last_step", "max"))

    return table.join([errors, *found]).reset_index().reindex(columns=[*_KIND, *COLUMNS])


def panel(study: Study) -> Panel | None:
    """Return the panel of what each role ends with, a table; None where no run can be used."""
    table = summary(study)
    caption = "Means over the runs of each role, errors as rates and in μ."

    return Panel("summary", "What each role ends with", caption, table, opened=True) if len(table) else None
