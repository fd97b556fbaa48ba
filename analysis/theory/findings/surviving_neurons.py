"""Which neurons stayed in the race, and how much of a feature's final strength they carry."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import race_series, usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.logs.protocol import LogLike

__all__ = ["kept_alive"]

_RULE = (
    "kept alive: correlation at step 0 at least {:.3g} = 1 - c/log k of the peak; carried: share of the strength at "
    "the last step in these neurons; null: their share of all neurons; {}"
)


def kept_alive(
    logs: LogLike | Iterable[LogLike],
    *,
    slack: float = 1.0,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Return one row per (run, class, view): the neurons kept alive, and what they carry at the end.

    .. math::
        \{r: \langle w^{(0)}_{i,r}, v_{i,\ell} \rangle \ge \Lambda^{(0)}_{i,\ell} (1 - c / \log k)\}

    `carried` is the share of the final strength in these neurons, and `carried_by_first` that in the one neuron which
    was strongest at initialisation; `null` is what as many neurons picked at random carry on average, kept / neurons.
    `outside` is the largest final correlation of the other neurons over the final peak: the theory keeps it small.
    Runs that continue another one are left out.

    Args:
        logs: The runs of a study, or one log.
        slack: The constant c.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view) with two views, or begins late.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = kept_alive(example_study()[-1])
        >>> table.loc[table["learned"], ["class", "kept", "carried", "null"]].round(2).head(2)
           class  kept  carried  null
        0      0     2      1.0  0.33
        2      1     2      1.0  0.33
    """
    racing = [log for log in usable(logs) if not log.manifest.continues]
    known = learned(racing, rule=rule, frame=frame)
    tables = [_neurons(log, known[known["run"] == log.manifest.run_id], slack) for log in racing]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["kept_alive"]))
    shares = {_share(race_series(log).shape[0], slack) for log in racing}
    table.attrs["rule"] = _RULE.format(min(shares, default=math.nan), rule)
    return table


def _share(classes: int, slack: float) -> float:
    """Return 1 - c/log k, at least 0."""
    return max(0.0, 1 - slack / math.log(classes)) if classes > 1 else 0.0


def _neurons(log: LogLike, known: pd.DataFrame, slack: float) -> pd.DataFrame:
    series = race_series(log)
    classes, neurons = series.shape[:2]
    first, last = (_own(np.asarray(log[series.name][row], dtype=float)) for row in (0, len(log.steps) - 1))
    peak = first.max(axis=1, keepdims=True)
    kept = (first >= peak * _share(classes, slack)) & (first > 0)
    leading = (first == peak) & (first > 0)

    values = {
        "kept": kept.sum(axis=1),
        "neurons": np.full((classes, series.shape[-1]), neurons),
        "carried": _carried(last, kept),
        "carried_by_first": _carried(last, leading),
        "null": kept.mean(axis=1),
        "outside": _over(np.where(kept, 0, last).max(axis=1), last.max(axis=1)),
    }
    return known.reset_index(drop=True).assign(**{name: value.ravel() for name, value in values.items()})


def _own(row: np.ndarray) -> np.ndarray:
    """Return the positive correlations of each class with its own features, ``(class, neuron, view)``."""
    classes = np.arange(len(row))

    return np.asarray(np.maximum(row[classes, :, classes], 0))


def _carried(last: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return _over(np.where(chosen, last, 0).sum(axis=1), last.sum(axis=1))


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)
