"""Which features each run has learned by its last step, and how often the null would count as learned."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.findings.features import features, null_source
from probes.analysis.intervals import Estimate, rate
from probes.analysis.panel import Panel
from probes.analysis.rule import LearnedRule, last_steps
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "learned", "learned_sets", "null_rate", "null_rate_at_start", "panel"]

COLUMNS = {
    "learned": "whether the feature was learned",
    "stable": "whether it also counts as learned at every step looked at in the last tenth of those recorded",
    "rule": "the rule by which a feature counts as learned",
}


@finding
def learned(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per (run, feature) at the run's last step, with whether the feature was learned.

    `stable` says whether it also counted as learned at every step looked at within the rule's window before the last.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = learned(example_study()[-1])
        >>> int(table["learned"].sum()), int(table["stable"].sum()), table.attrs["rule"].split(",")[0]
        (6, 6, "strength >= 0.25 x the run's median winner and > 2 x its median off-class")
    """
    chosen = study.tap(tap)
    table = features(study, chosen.name)
    table.attrs["null"] = null_source(study, chosen.name)
    steps = study.rule(table[_closing(study, table)])
    steps["stable"] = steps.groupby(["run", *chosen.columns], observed=True)["learned"].transform("all")
    found = last_steps(steps)
    found.attrs["rule"] = steps.attrs["rule"]

    return found.assign(rule=steps.attrs["rule"])


def learned_sets(study: Study, tap: Tap, logs: Sequence[LogLike]) -> NDArray[np.bool_]:
    """Return which of the runs learned which feature, ``(run, *feature axes)``.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> learned_sets(study, study.tap(), study.members).shape
        (5, 6, 2)
    """
    table = learned(study, tap.name)
    sets = dict(iter(table.groupby("run", observed=True)["learned"]))

    found = [sets[log.label].to_numpy(dtype=bool) for log in logs]
    return np.array(found, dtype=bool).reshape(len(found), *tap.shape)


def null_rate(table: pd.DataFrame, *, rule: LearnedRule) -> Estimate:
    """Return how often the null of an own-class tap reaches the rule's share of the typical winner at the last step.

    Args:
        table: Table of `features` or `learned`.
        rule: When a feature counts as learned.

    Raises:
        ValueError: the table has no row with off-class strengths.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> null_rate(learned(example_study()), rule=LearnedRule()).value
        0.0
    """
    last = last_steps(table)
    reached = last["off_strength"] >= rule.share * rule.typical_winner(last)

    return rate(int(reached.sum()), int(last["off_strength"].count()))


def null_rate_at_start(study: Study, tap: Tap) -> Estimate | None:
    """Return how often a feature counts as learned at step 0, where nothing has been learned; None without step 0.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> null_rate_at_start(study, study.tap()).value
        0.0
    """
    table = features(study, tap.name)
    table = table[table["run"].isin([log.label for log in study.members if not log.manifest.continues])]
    passed = study.rule(table).loc[table["step"] == 0, "learned"]

    return rate(int(passed.sum()), len(passed)) if len(passed) else None


def _closing(study: Study, table: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows lie within the rule's window at the end of their run, as a share of the recorded steps."""
    first = {log.label: log.steps[int(np.ceil((len(log.steps) - 1) * (1 - study.rule.window)))] for log in study.usable}

    return table["step"] >= table["run"].astype(object).map(first)


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of every feature of every run, a table."""
    table = learned(study, tap.name)
    caption = f"Every feature at the last step of each run, and whether it was learned: {table.attrs['rule']}."

    return Panel("learned", "Every feature", caption, table) if len(table) else None
