"""Which features each run has learned by its last step, and how often the null would count as learned."""

from collections.abc import Iterable

import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.intervals import Estimate, rate
from probes.analysis.rule import RULE, LearnedRule, last_steps
from probes.analysis.taps.frames import closing
from probes.logs.protocol import LogLike

__all__ = ["RULE", "LearnedRule", "last_steps", "learned", "null_rate"]


def learned(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, class, view) at the run's last step, with whether the feature was learned.

    `stable` says whether it also counted as learned at every step looked at within the rule's window before the last:
    all that ``frame`` has there, else up to 16 evenly spaced ones. Runs that diverged, failed or have no recorded step
    are left out.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = learned(example_study()[-1])
        >>> int(table["learned"].sum()), int(table["stable"].sum()), table.attrs["rule"].split(",")[0]
        (6, 6, "strength >= 0.25 x the run's median winner and > 2 x its median off-class")
    """
    steps = rule(closing(usable(logs), rule.window, frame=frame))
    steps["stable"] = steps.groupby(["run", "class", "view"], observed=True)["learned"].transform("all")
    table = last_steps(steps).reindex(columns=list(TABLES["learned"]))
    table.attrs["rule"] = str(rule)

    return table


def null_rate(features: pd.DataFrame, *, rule: LearnedRule = RULE) -> Estimate:
    """Return how often the null reaches the rule's share of the typical winner at a run's last step.

    Args:
        features: Table of `features`.
        rule: When a feature counts as learned.

    Raises:
        ValueError: If the table has no row with off-class strengths.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> null_rate(learned(example_study())).value
        0.0
    """
    last = last_steps(features)
    reached = last["off_strength"] >= rule.share * rule.typical_winner(last)

    return rate(int(reached.sum()), int(last["off_strength"].count()))
