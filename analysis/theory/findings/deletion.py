"""The deletion test: what a class still knows without the neurons credited with a view, so that the credit is causal.

A correlation says that a neuron points along a view. Muting it, with everything else left as it is, says whether the
network needs it to see that view. The control mutes the neurons of the same class credited with its other view.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.intervals import rate
from probes.analysis.theory.findings.error_rates import measured_arrays
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["MUTED", "deletion", "deletion_rates"]

# What is muted, by the column that holds the accuracy without it.
MUTED: Mapping[str, str] = MappingProxyType({"before": "none", "after": "credited", "control": "other view"})

_RULE = (
    "credited: the neurons of the class that point furthest along this view, of all features; before, after, control: "
    "accuracy on single-view test samples of the class that show this view alone, with all neurons, without the "
    "credited ones, and (null) without those credited with the other view; {}"
)


def deletion(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, class, view): accuracy before and after muting the view's neurons, and the control.

    Only where the view was learned is a loss expected: a view that was not learned has none to lose. Runs that were not
    evaluated, or before this test was there, give no row: `probes evaluate RUN` adds it.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If an evaluation's arrays are not those of two views, or a log has no series (class, neuron,
            feature_class, view).

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = deletion(example_study()[-1])
        >>> table.groupby("learned")[["before", "after", "control"]].mean().round(2).values.tolist()
        [[0.03, 0.03, 0.02], [1.0, 0.01, 1.0]]
    """
    tested = [log for log in usable(logs) if {"deletion/before", "deletion/after"} <= set(measured_arrays(log))]
    known = learned(tested, rule=rule, frame=frame)
    tables = [_run(log, known[known["run"] == log.manifest.run_id]) for log in tested]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["deletion"]))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def deletion_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies by (role, variant, learned) and by what was muted, each with Wilson's interval over samples.

    Args:
        table: Table of `deletion`; its rows without samples are left out.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> rates = deletion_rates(deletion(example_study()[-1]))
        >>> rates.loc[rates["learned"], ["muted", "accuracy"]].round(2).values.tolist()
        [['none', 1.0], ['credited', 0.01], ['other view', 1.0]]
    """
    counted = table[table["n"] > 0]
    rows = [
        {"role": role, "variant": variant, "learned": known, "muted": muted, "features": len(part), **_rate(part, name)}
        for (role, variant, known), part in counted.groupby(["role", "variant", "learned"], sort=False, observed=True)
        for name, muted in MUTED.items()
    ]

    rates = pd.DataFrame(rows).reindex(columns=list(TABLES["deletion_rates"]))
    rates.attrs["rule"] = table.attrs.get("rule", "")
    return rates


def _rate(part: pd.DataFrame, name: str) -> dict[str, float]:
    found = rate(int((part[name] * part["n"]).round().sum()), int(part["n"].sum()))

    return {"accuracy": found.value, "low": found.low, "high": found.high, "n": found.n}


def _run(log: LogLike, known: pd.DataFrame) -> pd.DataFrame:
    arrays = measured_arrays(log)
    before, after = arrays["deletion/before"], arrays["deletion/after"]
    if before.shape != (len(known) // 2, 2) or after.shape != (*before.shape, 2):
        raise LogError(
            f"run `{log.manifest.run_id}`: expected `deletion/before` (class, view) and `deletion/after` (class, "
            f"muted_view, view) of {len(known)} features, two a class, got {before.shape} and {after.shape}; "
            "evaluate the run again"
        )

    values = {
        "neurons": arrays.get("deletion/neurons", np.full(before.shape, np.nan)),
        "before": before,
        "after": after[:, [0, 1], [0, 1]],
        "control": after[:, [1, 0], [0, 1]],
        "n": _samples(arrays, before.shape),
    }
    columns = {name: np.asarray(value, dtype=float).ravel() for name, value in values.items()}
    table = known.reset_index(drop=True).assign(**columns, lost=columns["before"] - columns["after"])
    return table.astype({"run": object, "role": object, "variant": object, "n": int})


def _samples(arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return how many single-view test samples show each feature, ``(class, view)``; 0 where that is not known."""
    counts = np.zeros(shape, dtype=int)
    if {"single_view/labels", "single_view/view"} <= set(arrays):
        np.add.at(counts, (arrays["single_view/labels"], arrays["single_view/view"]), 1)

    return counts
