"""Maps: what every point of a sweep measured, beside what the theory expects at its values.

A point is a study of one seed. Its measures are those of `claims`, by the same names, and what its ensemble covers.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probes.analysis.intervals import Estimate, mean_of, rate, weighted_sum
from probes.analysis.study import Study, open_study
from probes.analysis.sweeps.table import axes_of, sweep_table
from probes.analysis.theory.findings.claims import measures
from probes.analysis.theory.findings.coverage import coverage
from probes.analysis.theory.findings.error_rates import errors_of
from probes.analysis.theory.findings.winning_set import gap_factor, winning_set
from probes.analysis.theory.recipe import constant, sparsity
from probes.analysis.theory.roles import races, singles, with_role
from probes.errors import LogError, ProbesError

__all__ = ["MEASURED", "coverage_map", "expected_share", "mapped", "maps", "over_points", "pooled", "varied"]

# Claims whose measured values are mapped; the first four are errors in units of mu.
_CLAIMS = (
    "single.test_error_mu",
    "ensemble.test_error_mu",
    "distilled.test_error_mu",
    "self_distilled.test_error_mu",
    "single.train_error",
    "winners.size",
    "winners.predicted",
    "distilled.features_learned",
)
_RACE = frozenset({"winners.size", "winners.predicted", "distilled.features_learned"})
MEASURED = (*_CLAIMS, "average.test_error_mu", "single.one_view", "single.no_view", "ensemble.coverage")

_SPREAD = 3  # seeds from which on their spread means something
_VALUES = ("measure", "variant", "value", "low", "high", "n", "expected")
_COVERED = ("members", "coverage", "low", "high", "expected", "error_mu", "error_low", "error_high")


def maps(root: str | Path) -> pd.DataFrame:
    r"""Return one row per (finished point of a sweep, measure), with its 95 % interval and the theory's value.

    Columns: point, one for each recipe key that is varied, seed, measure, variant, value, low, high, n, expected.
    Measures are those of `claims` that map (errors in mu, \|M\|/k, prediction, features learned), the trained average's
    error, and of the singles' classes the shares that learned exactly one view and none, and of all features the share
    that the ensemble covers. Of learners that are linear in what they train, all but the errors is left out.
    `expected` is the theory's value at the point's recipe: :math:`\frac12(1-e^{-s(1-1/k)})` mu for singles, half of it
    for self-distilled ones, :math:`2^{-K}(1-e^{-s(1-1/k)})` for the ensemble of K and those distilled from it,
    :math:`1-2^{-K}` for coverage, `expected_share` for M.

    ``attrs["left_out"]`` has the reason for each point that could not be measured.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    return mapped(root)[0]


def coverage_map(root: str | Path) -> pd.DataFrame:
    """Return one row per (finished point of a sweep, number K of ensemble members): coverage and error beside 1 - 2^-K.

    Columns: point, one for each recipe key that is varied, seed, members, coverage, low, high, expected, error_mu,
    error_low, error_high.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    return mapped(root)[1]


def pooled(frame: pd.DataFrame, by: Sequence[str], values: Sequence[str] = ("value", "low", "high")) -> pd.DataFrame:
    """Return one row per group: the mean over its rows, with Student's t interval where there are three or more.

    Of fewer, whose t interval means nothing, their own intervals are put together as if they were independent.
    Errors and shares are not below 0, and shares not above 1, nor are their intervals.

    Args:
        frame: Table of `maps` or `coverage_map`.
        by: Columns whose values make a group.
        values: Columns of value, lower and upper end.

    Example:
        >>> frame = pd.DataFrame({"x": [1, 1, 2], "value": [0.4, 0.6, 0.2], "low": 0.1, "high": 0.9, "expected": 0.5})
        >>> pooled(frame, ["x"])[["x", "value", "low", "high", "n"]].round(2).values.tolist()
        [[1.0, 0.5, 0.21, 0.79, 2.0], [2.0, 0.2, 0.1, 0.9, 1.0]]
    """
    rows = []
    for names, group in frame.groupby(list(by), sort=True, dropna=False, observed=True):
        numbers = zip(*(group[name] for name in values), strict=True)
        estimates = [Estimate(value, low, high, 1) for value, low, high in numbers]
        mean = over_points(estimates)
        most = 1.0 if (group[values[2]] <= 1).all() else math.inf  # errors in mu may lie above
        found = mean._replace(low=max(0.0, mean.low), high=min(most, mean.high))
        rows.append((*names, *found, group["expected"].mean()))

    return pd.DataFrame(rows, columns=[*by, *values, "n", "expected"])


def over_points(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean over points with Student's t interval, or with that of their own where there are less than three.

    Example:
        >>> [round(number, 2) for number in over_points([Estimate(0.4, 0.3, 0.5, 9), Estimate(0.6, 0.5, 0.7, 9)])]
        [0.5, 0.43, 0.57, 2]
    """
    few = len(estimates) < _SPREAD
    mean = weighted_sum(estimates, [1 / len(estimates)] * len(estimates)) if few else mean_of(estimates)

    return mean._replace(n=len(estimates))


def varied(frame: pd.DataFrame) -> list[str]:
    """Return the recipe keys that span a map: those with several values, less those that follow from one before.

    Args:
        frame: Table of `maps`, `coverage_map` or a sweep.

    Example:
        >>> frame = pd.DataFrame({"point": "abc", "network.q": [3, 4, 4], "training.steps": [70, 90, 90], "seed": 0})
        >>> varied(frame)
        ['network.q']
    """
    taken = {*_VALUES, *_COVERED}
    keys = [key for key in axes_of(frame) if key not in taken and len(frame[key].unique()) > 1]
    found: list[str] = []
    for key in keys:
        follows = any(len(frame[[other, key]].drop_duplicates()) == len(frame[other].unique()) for other in found)
        found += [] if follows else [key]
    return found


def expected_share(neurons: int) -> float:
    r"""Return the share \|M\|/k that m neurons a class give, where both views weigh the same.

    Of two independent maxima of m normal numbers one leads the other by the gap factor; by numerical integration.

    Example:
        >>> [round(expected_share(m), 2) for m in (1, 5, 10, 100)]
        [0.0, 0.7, 0.75, 0.85]
    """
    factor = gap_factor(neurons)
    if not np.isfinite(factor):
        return 0.0
    loser = np.linspace(0, 10, 20_001)
    density = neurons * stats.norm.pdf(loser) * stats.norm.cdf(loser) ** (neurons - 1)
    leads = 1 - stats.norm.cdf(factor * loser) ** neurons

    ahead = float((density * leads).sum() * (loser[1] - loser[0]))
    below = 0.5**neurons  # no neuron points at a view, which any other then leads
    return 2 * (ahead + below * (1 - below))


def mapped(root: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of `maps` and `coverage_map`; every point is read once.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    table = sweep_table(root)
    keys = axes_of(table)
    rows: tuple[list[tuple[object, ...]], list[tuple[object, ...]]] = [], []
    left_out = {}
    for point in table.to_dict("records"):
        identity = (point["point"], *(point[key] for key in keys), point["seed"])
        try:
            study = _study(Path(root), point)
            found = list(_measured(study)), list(_covered(study))
        except ProbesError as error:
            left_out[str(point["point"])] = str(error)
            continue
        for part, more in zip(rows, found, strict=True):
            part += [(*identity, *row) for row in more]

    frames = [
        pd.DataFrame(part, columns=["point", *keys, "seed", *columns])
        for part, columns in zip(rows, (_VALUES, _COVERED), strict=True)
    ]
    frames[0].attrs["left_out"] = left_out
    return frames[0], frames[1]


def _study(root: Path, point: Mapping[Any, Any]) -> Study:
    if point["status"] != "finished":
        raise LogError(str(point["error"] or point["status"]))
    study = open_study(root / str(point["path"]))
    if not study.usable:
        raise LogError("all of its runs diverged or failed")

    return study


def _measured(study: Study) -> Iterator[tuple[object, ...]]:
    racing, known = races(study), measures(study)
    expected = _expected(study) if racing else {}
    for claim in _CLAIMS:
        for found in known[claim](study) if racing or claim not in _RACE else ():
            yield claim, found.variant, *found.estimate, expected.get(claim, np.nan)
    averages = errors_of(study, [log for logs in with_role(study, "average").values() for log in logs])
    if averages:
        yield "average.test_error_mu", "", *mean_of(averages), expected.get("average.test_error_mu", np.nan)
    if racing:
        yield from _raced(study, expected)


def _raced(study: Study, expected: Mapping[str, float]) -> Iterator[tuple[object, ...]]:
    table = winning_set(study)
    alone = table[table["role"] == "single"]
    for name, outcomes in {"single.one_view": ["view 0", "view 1"], "single.no_view": ["none"]}.items():
        if len(alone):
            share = rate(int(alone["learned"].isin(outcomes).sum()), len(alone))
            yield name, "", *share, expected[name]
    covered = coverage(study)
    if len(covered):
        most = covered.iloc[-1]
        ends = most["coverage_low"], most["coverage_high"], int(most["members"])
        yield "ensemble.coverage", "", most["coverage"], *ends, most["expected"]


def _covered(study: Study) -> Iterator[tuple[object, ...]]:
    names = ("members", "coverage", "coverage_low", "coverage_high", "expected", "error_mu", "error_mu_low")
    if races(study):
        yield from coverage(study)[[*names, "error_mu_high"]].itertuples(index=False, name=None)


def _expected(study: Study) -> Mapping[str, float]:
    """Return what the theory expects of each measure, as far as the recipe states what it depends on."""
    log = study.usable[0]
    features, classes, neurons = sparsity(log), constant(log, "classes", "data"), constant(log, "neurons", "network")
    shown = 1.0 if features is None or classes is None else 1 - np.exp(-features * (1 - 1 / classes))
    members = len(singles(study))

    return {
        **dict.fromkeys(["single.test_error_mu", "average.test_error_mu"], shown / 2),
        "self_distilled.test_error_mu": shown / 4,
        "winners.size": np.nan if neurons is None else expected_share(int(neurons)),
        **dict.fromkeys(["ensemble.test_error_mu", "distilled.test_error_mu"], shown / 2**members),
        **dict.fromkeys(["winners.predicted", "distilled.features_learned", "single.one_view"], 1.0),
        **dict.fromkeys(["single.train_error", "single.no_view"], 0.0),
    }
