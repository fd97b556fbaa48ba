"""The three phases of a run, found from its log: race, growth, memorisation; whether the last brings new features."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, single_view_share, usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.intervals import rate
from probes.analysis.theory.findings.timing import settled, timing
from probes.logs.protocol import LogLike

__all__ = ["PHASES", "phase_of", "phases"]

PHASES = ("race", "growth", "memorisation")

_RULE = (
    "I, race: until the first class's winner crosses (race_end; every class has one by race_over); II, growth: until "
    "the training loss stays at or below mu log k (growth_end), the loss of single-view samples at chance when "
    "multi-view samples cost nothing; III, memorisation: after; null of new_features: if crossings were spread evenly "
    "over the steps; {}"
)


def phases(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    r"""Return one row per run: where phases I, II and III end, and how many features were new in phase III.

    I ends at `race_end`, when the first class's winner is learned for good; by `race_over` every class has one. II ends
    at `growth_end`, when the training loss falls to :math:`\mu \log k` for good. It is what single-view data, a share
    :math:`\mu` of all, costs at chance: what is left of the loss can then be theirs alone. Of the features that were
    not yet learned at `growth_end`, `missing`, the theory lets a network without a teacher learn none in phase III:
    `new_features` counts those that it did, and `low` and `high` are Wilson's interval of their share.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else every step is read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> phases(example_study()[-1])[["race_end", "race_over", "growth_end", "last_step"]]
           race_end  race_over  growth_end  last_step
        0        14         24          35        400
    """
    study = usable(logs)
    crossings = timing(study, rule=rule, frame=frame)
    table = pd.DataFrame([_run(log, crossings[crossings["run"] == log.manifest.run_id]) for log in study])

    steps = ["race_end", "race_over", "growth_end"]
    table = table.reindex(columns=list(TABLES["phases"])).astype(dict.fromkeys(steps, "Int64")).assign(rule=str(rule))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def phase_of(steps: np.ndarray, race_end: float, growth_end: float) -> np.ndarray:
    """Return the phase of each step; a phase whose end is not known (NaN) goes on.

    Example:
        >>> phase_of(np.array([0, 10, 20, 30]), 10, 25).tolist()
        ['race', 'growth', 'growth', 'memorisation']
    """
    return np.select([steps >= growth_end, steps >= race_end], [PHASES[2], PHASES[1]], PHASES[0])


def _run(log: LogLike, crossings: pd.DataFrame) -> dict[str, object]:
    crossing = crossings["crossing"].astype(float)
    wins = crossing.groupby(crossings["class"]).min()
    end, steps = _growth_end(log), log.steps
    # Features that crossed between two steps looked at, with the end of phase II in between, are given to phase II.
    late = int((crossings["crossing_after"].astype(float) >= end)[crossing.notna()].sum())
    missing = late + int(crossing.isna().sum()) if math.isfinite(end) else 0
    share = rate(late, missing) if missing else None
    span = max(1, int(steps[-1] - steps[0]))

    return {
        "run": log.manifest.run_id,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "race_end": wins.min(),
        "race_over": wins.max() if wins.notna().all() else math.nan,
        "growth_end": end,
        "last_step": int(steps[-1]),
        "new_features": late,
        "missing": missing,
        "low": share.low if share else math.nan,
        "high": share.high if share else math.nan,
        "null": (crossing > steps[0]).sum() * (steps[-1] - end) / span,
    }


def _growth_end(log: LogLike) -> float:
    """Return the step from which on the loss is at most mu log k; NaN where there is none, or no loss was logged."""
    scalars, share = log.scalars(), single_view_share(log)
    if share is None or "loss" not in scalars:
        return math.nan
    loss = scalars["loss"].dropna()
    least = share * math.log(correlation_series(log).shape[0])

    return float(settled(loss.index.to_numpy(), (loss <= least).to_numpy())[1]) if len(loss) else math.nan
