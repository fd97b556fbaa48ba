r"""The bounds of the proof's induction hypothesis, at every recorded step: what is to stay at the scale of the start.

Per run and class, in units of :math:`\sigma_0` (the spread of all correlations at step 0), over all recorded steps:

* losing_view: largest correlation with the view that a class of M does not win;
* off_class: largest correlation with a feature of another class;
* negative: largest negative correlation with any feature, as a positive number;
* not_kept_alive: largest correlation with an own feature, of the neurons that are not kept alive there, those with
  less than 1 - 1/log k of the peak at step 0.

The theory bounds each by :math:`\tilde O(\sigma_0)`, which hides powers of logarithms. Here they are written out: the
largest of :math:`2k^2m` normal draws, times what the race makes of a view that loses by the gap factor just so,

.. math::
    \sigma_0 \sqrt{2 \log(2k^2m)} \, (1 - r^{q-2})^{-1/(q-2)}, \quad r^{-1} = 1 + 1/\log^2 m.

The fifth, balance, is of the last step: 0.4 times the class's strength over the smallest one of another class, below 1.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.columns import TABLES
from probes.analysis.facts import exponent, race_series, usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.taps.statistics import Extremes
from probes.analysis.taps.summaries import extremes
from probes.analysis.theory.findings.winning_set import gap_factor, winners
from probes.logs.protocol import LogLike

__all__ = ["BOUNDS", "allowed", "bounds"]

BOUNDS = ("losing_view", "off_class", "negative", "not_kept_alive", "balance")

_BALANCE = 0.4
_RULE = (
    "largest over all recorded steps, in units of sigma_0, the standard deviation of all correlations at step 0; null: "
    "the same at step 0; allowed: sqrt(2 log(2k^2 m)) (1 - r^(q-2))^(-1/(q-2)), 1/r = 1 + 1/log^2 m; losing_view: "
    "classes of M only; not_kept_alive: below 1 - 1/log k of the peak at step 0; balance: 0.4 x the class's strength "
    "over the smallest of another class, at the last step; {}"
)


def allowed(classes: int, neurons: int, q: int) -> float:
    r"""Return the bound in units of :math:`\sigma_0`, as the module's text has it.

    Example:
        >>> round(allowed(12, 10, 3), 1), round(allowed(12, 10, 4), 1)
        (25.2, 7.4)
    """
    ratio = 1 / gap_factor(neurons)

    return float(np.sqrt(2 * np.log(2 * classes**2 * neurons)) * (1 - ratio ** (q - 2)) ** (-1 / (q - 2)))


def bounds(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (run, class, bound): the largest value at any recorded step, and whether it is allowed.

    Every recorded step is read, once. Runs that continue another one are left out, because their step 0 is no
    initialisation; runs with a teacher are there, but the theory bounds those without one.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; M is then taken from it.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view) with two views, does not begin at step 0,
            or no exponent q is known.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = bounds(example_study()[-1])
        >>> table.groupby("bound", sort=False)["inside"].mean().round(2).to_dict()
        {'losing_view': 1.0, 'off_class': 1.0, 'negative': 1.0, 'not_kept_alive': 1.0, 'balance': 1.0}
    """
    racing = [log for log in usable(logs) if not log.manifest.continues]
    races = winners(racing, rule=rule, frame=frame)
    tables = [_run(log, races[races["run"] == log.manifest.run_id]) for log in racing]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["bounds"])).assign(rule=str(rule))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def _run(log: LogLike, race: pd.DataFrame) -> pd.DataFrame:
    (classes, neurons, *_), q = race_series(log).shape, exponent(log)
    found = extremes(log)
    scale = found.first[~np.isnan(found.first)].std() or np.nan
    most, least = _statistics(found, race), _statistics(Extremes(*[found.first] * 4), race)
    limit = {bound: allowed(classes, neurons, q) for bound in BOUNDS} | {"balance": 1.0}

    tables = []
    for bound in BOUNDS:
        unit = 1.0 if bound == "balance" else scale
        columns = {"class": np.arange(classes), "largest": most[bound] / unit, "null": least[bound] / unit}
        tables.append(pd.DataFrame(columns).dropna().assign(bound=bound, allowed=limit[bound]))
    table = pd.concat(tables, ignore_index=True)
    identity = {"run": log.manifest.run_id, "role": log.manifest.role, "variant": log.manifest.variant}
    return table.assign(inside=table["largest"] <= table["allowed"], **identity)


def _statistics(found: Extremes, race: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return each bound's statistic, ``(class,)``; NaN where a class has none."""
    each = np.arange(len(found.first))
    own, start = (array[each, :, each].astype(float) for array in (found.largest, found.first))
    off = found.largest.astype(float)
    off[each, :, each] = -np.inf
    losing = own[each, :, 1 - race["predicted"].to_numpy()].max(axis=1)
    kept = start >= start.max(axis=1, keepdims=True) * _share(len(each))

    statistics = {
        "losing_view": np.where(race["winner"], losing, np.nan),
        "off_class": off.max(axis=(1, 2, 3)),
        "negative": -found.smallest.astype(float).min(axis=(1, 2, 3)),
        "not_kept_alive": np.where(kept, -np.inf, own).max(axis=(1, 2)),
        "balance": _balance(found.last),
    }
    return {name: np.where(np.isinf(values), np.nan, values) for name, values in statistics.items()}


def _share(classes: int) -> float:
    """Return 1 - 1/log k, at least 0: the part of the peak that keeps a neuron alive."""
    return max(0.0, 1 - 1 / np.log(classes)) if classes > 1 else 0.0


def _balance(last: NDArray[np.floating]) -> NDArray[np.float64]:
    each = np.arange(len(last))
    strength = np.maximum(last[each, :, each], 0).sum(axis=(1, 2), dtype=float)
    smallest = [np.delete(strength, class_).min(initial=np.inf) for class_ in each]

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isinf(smallest), np.nan, _BALANCE * strength / np.asarray(smallest))
