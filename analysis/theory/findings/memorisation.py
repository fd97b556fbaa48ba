"""Phase III: noise is learned by heart while features stand still, and training error falls without new features."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.taps.frames import features
from probes.analysis.theory.findings.phases import phase_of, phases
from probes.logs.protocol import LogLike

__all__ = ["NOISE", "memorisation"]

NOISE = ("noise_multi_view", "noise_single_view")

_RULE = (
    "noise_*: mean over training samples of the positive products of the own class's neurons with the sample's noise; "
    "strength and off_strength (null): sums over all features; coverage: share of features that count as learned; {}"
)


def memorisation(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, step at which noise was measured): memorised noise beside the features.

    `strength` is summed over all features; `off_strength`, the null, is summed in the same way over the largest
    strengths on features of other classes, which nothing asks the neurons to learn. `phase` is that of `phases`. Runs
    without scalars `noise_multi_view` or `noise_single_view` give no row.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` to find the phases from, where it is already there; else every step is read. At the
            steps at which noise was measured the logs are read in any case.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(memorisation(example_study()[-1]).columns[3:7])
        ['step', 'phase', 'noise_multi_view', 'noise_single_view']
    """
    measured = [log for log in usable(logs) if not set(NOISE).isdisjoint(log.scalars())]
    ends = phases(measured, rule=rule, frame=frame)[["race_end", "growth_end"]].astype(float).to_numpy()
    tables = [_run(log, ends[place], rule) for place, log in enumerate(measured)]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["memorisation"]))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def _run(log: LogLike, ends: np.ndarray, rule: LearnedRule) -> pd.DataFrame:
    scalars = log.scalars().reindex(columns=[*NOISE, "train_error"])
    scalars = scalars.dropna(how="all", subset=list(NOISE))
    # The rule needs the run's last step, whether or not noise was measured there.
    found = rule(features(log, steps={*map(int, scalars.index), int(log.steps[-1])}))
    sums = found.groupby("step").agg(
        strength=("strength", "sum"), off_strength=("off_strength", "sum"), coverage=("learned", "mean")
    )
    sums["off_strength"] = sums["off_strength"].where(found.groupby("step")["off_strength"].count() > 0)

    table = sums.join(scalars, how="inner").reset_index(names="step")
    return table.assign(
        run=log.manifest.run_id,
        role=log.manifest.role,
        variant=log.manifest.variant,
        phase=phase_of(table["step"].to_numpy(), *ends),
        rule=str(rule),
    )
