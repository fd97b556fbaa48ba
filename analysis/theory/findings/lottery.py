r"""How likely each feature is to be won: from the runs that did, and from the lottery of the initialisation.

Two estimates of one chance. From the runs: n of them, c learned the feature. From the lottery: a class is won by the
view whose adjusted peak is the larger one; its peaks are the largest of m normal draws, so with :math:`\phi` the
distribution function of one draw and :math:`s_\ell = S_{i,\ell}^{1/(q-2)}`

.. math::
    p_i = P(\Lambda_0 s_0 > \Lambda_1 s_1) = \int \phi(x s_0 / s_1)^m \, d\phi(x)^m.

With one view a class, K independent members leave view 0 uncovered with probability :math:`(1-p_i)^K` and view 1 with
:math:`p_i^K`: their union covers :math:`1 - \frac{1}{2k} \sum_i (p_i^K + (1-p_i)^K)`, which is 1 - 2^-K where every
:math:`p_i` is 1/2 and less wherever one is not. In general it is the mean over features of 1 - (1 - p)^K.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, exponent, moments
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.members import learned_sets, members
from probes.analysis.shares import WinShares
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["lottery", "lottery_chances", "win_chance"]

_POINTS = 2048
_RULE = (
    "probability: share of {} runs that learned the feature, drawn towards the mean of all features (beta prior of "
    "unknown weight), with its 95 % credible interval; lottery: from S, q and m alone; null: 1/2; {}"
)


def win_chance(ratio: ArrayLike, neurons: int) -> NDArray[np.float64]:
    r"""Return the probability that a view wins whose adjusting factor is ``ratio`` times that of the other view.

    Args:
        ratio: :math:`(S_{i,\ell}/S_{i,3-\ell})^{1/(q-2)}`, any shape.
        neurons: m, per class.

    Example:
        >>> win_chance([1.0, 1.1, 2.0], 10).round(2).tolist()
        [0.5, 0.57, 0.89]
    """
    quantiles = (np.arange(_POINTS) + 0.5) / _POINTS
    peaks = stats.norm.ppf(quantiles ** (1 / neurons))

    above = stats.norm.cdf(peaks * np.asarray(ratio, dtype=float)[..., None]) ** neurons
    return np.asarray(above.mean(axis=-1), dtype=float)


def lottery_chances(log: LogLike) -> NDArray[np.float64]:
    """Return the chance that the run's initialisation gives each feature, ``(class, view)``; NaN where S is unknown.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> lottery_chances(example_study()[-1]).sum(axis=1).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    series, moment = correlation_series(log), moments(log)
    classes, neurons, _, views = series.shape
    if moment is None or views != 2 or moment.shape != (classes, views):
        return np.full((classes, views), np.nan)
    try:
        power = 1 / (exponent(log) - 2)
    except LogError:
        return np.full((classes, views), np.nan)

    first = win_chance((moment[:, 0] / moment[:, 1]) ** power, neurons)
    return np.stack([first, 1 - first], axis=1)


def lottery(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per (class, view): how many members learned it, and the chance of it, by the runs and by theory.

    Args:
        logs: The runs of a study; its singles are the members, or all runs where there is no single.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or runs disagree on features.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> lottery(example_study())[["runs", "won", "probability", "lottery"]].round(2).values.tolist()[0]
        [5.0, 4.0, 0.6, 0.54]
    """
    study = members(logs)
    if not study:
        return pd.DataFrame(columns=list(TABLES["lottery"]))
    known = learned_sets(study, learned(study, rule=rule, frame=frame))
    shares = WinShares(known.sum(axis=0), len(study))
    classes, views = known.shape[1:]
    low, high = shares.interval()

    table = pd.DataFrame({
        "class": np.repeat(np.arange(classes), views),
        "view": np.tile(np.arange(views), classes),
        "runs": len(study),
        "won": shares.counts.ravel(),
        "probability": shares.mean.ravel(),
        "low": low.ravel(),
        "high": high.ravel(),
        "lottery": mean_chances(study).ravel(),
    })
    table = table.assign(rule=str(rule))[list(TABLES["lottery"])]
    table.attrs["rule"] = _RULE.format(len(study), rule)
    return table


def mean_chances(study: Sequence[LogLike]) -> NDArray[np.float64]:
    """Return the mean over runs of `lottery_chances`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> mean_chances(example_study()[:1]).shape
        (6, 2)
    """
    return np.asarray(np.mean([lottery_chances(log) for log in study], axis=0))
