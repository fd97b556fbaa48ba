"""The features that no member of the ensemble has learned, and which run came closest."""

import numpy as np
import pandas as pd

from probes.analysis.study import Study, finding
from probes.analysis.theory.roles import ensemble_members, race_learned, race_sets

__all__ = ["COLUMNS", "uncovered"]

COLUMNS = {
    "members": "number of ensemble members",
    "run": "the run that came closest",
    "strength": "how far it came: its strength at the last step",
    "off_strength": "null: largest strength of the same class's neurons on a feature of any other class",
    "null": "2^-K, no member wins the feature by a fair coin",
}

_TABLE = ("class", "view", *COLUMNS, "rule")
_RULE = "learned by none of the {} members; null: 2^-K, no member wins it by a fair coin; {}"


@finding
def uncovered(study: Study) -> pd.DataFrame:
    """Return one row per feature that no member learned: which run came closest, how far, and how likely that was.

    Args:
        study: A study of the theory, logs, or a path; the members are its singles, or all runs where there are none.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or runs disagree on features.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> uncovered(example_study()[-2:])[["class", "view", "run", "null"]].values.tolist()[:2]
        [[0, 1, 'single-03', 0.25], [1, 1, 'single-04', 0.25]]
    """
    members = ensemble_members(study)
    if not members:
        return pd.DataFrame(columns=list(_TABLE))
    table = race_learned(study)
    table = table[table["run"].isin([log.label for log in members])].reset_index(drop=True)
    missed = ~race_sets(study, members).any(axis=0).ravel()

    strength = table["strength"].to_numpy(float).reshape(len(members), -1)
    closest = strength.argmax(axis=0) * strength.shape[1] + np.arange(strength.shape[1])
    found: pd.DataFrame = table.iloc[closest[missed]].assign(members=len(members), null=0.5 ** len(members))
    found = found.astype({"run": object}).reset_index(drop=True).reindex(columns=list(_TABLE))
    found.attrs["rule"] = _RULE.format(len(members), study.rule)
    return found
