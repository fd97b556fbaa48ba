"""One row per role and variant: what a reader wants on one screen."""

from collections.abc import Iterable

import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import each
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.inputs.inputs import is_inputs
from probes.logs.protocol import LogLike

__all__ = ["summary", "summary_of"]

_KIND = ["role", "variant"]


def summary(logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE) -> pd.DataFrame:
    """Return one row per (role, variant): its runs, and means over them of errors and of the share of features learned.

    Args:
        logs: The runs of a study; those that diverged or failed are left out.
        rule: When a feature counts as learned.

    Example:
        >>> summary([]).empty
        True
    """
    return summary_of(Evidence(each(logs), rule))


def summary_of(evidence: Evidence) -> pd.DataFrame:
    """Return the table of `summary` from evidence that is already there."""
    columns = list(TABLES["summary"])
    if not evidence.logs:
        return pd.DataFrame(columns=columns)

    kinds = evidence.runs[evidence.runs["run"].isin([log.manifest.run_id for log in evidence.logs])]
    errors = evidence.error_rates.pivot_table("error", [*_KIND], "measure", observed=True)
    learned = [evidence.learned] if evidence.races and not is_inputs(evidence.logs) else []
    found = [table.groupby(_KIND, observed=True).agg(features_learned=("learned", "mean")) for table in learned]
    counted = kinds.groupby(_KIND, observed=True, sort=False).agg(runs=("run", "size"), last_step=("last_step", "max"))
    table = counted.join([errors, *found]).reset_index()

    return table.reindex(columns=columns)
