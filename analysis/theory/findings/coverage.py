"""What the union of K members covers, and how wrong their ensemble is, against K."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.columns import TABLES
from probes.analysis.facts import correlation_series, sparsity
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.members import learned_sets, members
from probes.analysis.theory.ensembles import JointTests
from probes.analysis.theory.findings.lottery import WinShares, mean_chances
from probes.logs.protocol import LogLike

__all__ = ["coverage", "uncovered"]

_MOST_SIZES = 20
_RULE = (
    "{}; mean over all ensembles of K of the {} runs ({} drawn at random where there are more), with the central 95 % "
    "of these ensembles; expected: 1 - 2^-K; lottery and predicted_coverage: mean over features of 1 - (1 - p)^K, "
    "with p from S, q and m alone, or from the share of the runs that learned the feature (95 % credible interval); "
    "error: mean of logits, in units of mu; error_predicted: share of features not covered, times the chance that a "
    "sample shows any feature of another class that is covered{}"
)
_UNCOVERED_RULE = "learned by none of the {} members; null: 2^-K, no member wins it by a fair coin; {}"


def coverage(
    logs: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
    subsets: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Return one row per number of members K: share of the features covered by their union, and the ensemble's error.

    Each figure is a mean over ensembles of K different runs, all of them or ``subsets`` drawn at random; its range is
    the central 95 % of these ensembles, that is, what another ensemble of K of these runs may show. Beyond 20 runs, K
    takes 20 values. The error is NaN where a run's evaluation lacks the test sets.

    A single-view sample shows one of the features. Where the ensemble does not cover it, it is wrong as soon as the
    sample holds a feature of another class that it covers; each is there with probability s/k:

    .. math::
        error \approx \mu \cdot mean_{i,\ell} \big[ 1[(i,\ell) \notin C] (1 - (1 - s/k)^{|C \setminus i|}) \big]

    for one view a class :math:`\frac{1}{2}(1 - (1 - s/k)^{k-1}) \approx \frac{1}{2}(1 - e^{-s(1-1/k)})`. An
    upper bound in so far as a feature that few members know may be too weak in their mean to mislead it.

    Args:
        logs: The runs of a study; its singles are the members, or all runs where there is no single.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.
        subsets: Most ensembles to measure for one K.
        seed: Seed of the draw.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or runs disagree on features or on test
            samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> coverage(example_study())[["members", "subsets", "coverage", "expected"]].round(2).values.tolist()[:2]
        [[1.0, 5.0, 0.55, 0.5], [2.0, 10.0, 0.78, 0.75]]
    """
    study = members(logs)
    if not study:
        return pd.DataFrame(columns=list(TABLES["coverage"]))
    known = learned_sets(study, learned(study, rule=rule, frame=frame))
    tests, draw, misled = JointTests.of(study), np.random.default_rng(seed), _chance_of_another(study[0])

    sizes = np.unique(np.geomspace(1, len(study), _MOST_SIZES).round().astype(int))
    chosen = range(1, len(study) + 1) if len(study) <= _MOST_SIZES else sizes.tolist()
    drawn = [list(_ensembles(len(study), size, subsets, draw)) for size in chosen]
    rows = [_row(known, tests, ensembles) | _predicted(known, misled, ensembles) for ensembles in drawn]
    chances = mean_chances(study)
    lottery = [1 - ((1 - chances) ** size).mean() for size in chosen]
    table = pd.DataFrame(rows).assign(lottery=lottery, rule=str(rule))[list(TABLES["coverage"])]
    unsaturated = "" if misled < 1 else " (taken as 1: the recipe does not say how many there are)"
    table.attrs["rule"] = _RULE.format(rule, len(study), subsets, unsaturated)
    return table


def uncovered(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per feature that no member learned: which run came closest, how far, and how likely that was.

    Args:
        logs: The runs of a study; its singles are the members, or all runs where there is no single.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view), or runs disagree on features.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> uncovered(example_study()[-2:])[["class", "view", "run", "null"]].values.tolist()[:2]
        [[0, 1, 'single-03', 0.25], [1, 1, 'single-04', 0.25]]
    """
    study = members(logs)
    table = learned(study, rule=rule, frame=frame)
    known = learned_sets(study, table) if study else np.ones((0, 1, 1), dtype=bool)

    strongest = table.loc[table.astype({"strength": float}).groupby(["class", "view"])["strength"].idxmax()]
    found = strongest[~known.any(axis=0).ravel()] if study else strongest
    found = found.assign(members=len(study), null=0.5 ** len(study)).reset_index(drop=True)
    found = found.astype({"run": object}).reindex(columns=list(TABLES["uncovered"]))
    found.attrs["rule"] = _UNCOVERED_RULE.format(len(study), rule)
    return found


def _chance_of_another(log: LogLike) -> float:
    """Return s/k, the probability that a sample shows a given feature of another class; 1 where s is not known."""
    present = sparsity(log)

    return 1.0 if present is None else min(1.0, present / correlation_series(log).shape[0])


def _ensembles(count: int, size: int, most: int, draw: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Yield different sets of ``size`` out of ``count`` members: all, or ``most`` drawn at random."""
    if comb(count, size) <= most:
        yield from combinations(range(count), size)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        chosen = tuple(sorted(draw.choice(count, size, replace=False).tolist()))
        if chosen not in seen:
            seen.add(chosen)
            yield chosen


def _row(known: NDArray[np.bool_], tests: JointTests | None, ensembles: Sequence[tuple[int, ...]]) -> dict[str, float]:
    shares = np.array([known[list(chosen)].any(axis=0).mean() for chosen in ensembles])
    errors = np.array([np.nan]) if tests is None else tests.errors(ensembles)
    size = len(ensembles[0])

    return {
        "members": size,
        "subsets": len(ensembles),
        "expected": 1 - 0.5**size,
        **_spread("coverage", shares),
        **_spread("error_mu", errors),
    }


def _spread(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.quantile(values, [0.025, 0.975])

    return {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}


def _predicted(known: NDArray[np.bool_], misled: float, ensembles: Sequence[tuple[int, ...]]) -> dict[str, float]:
    """Return the coverage that the features' own chances give, and the error that the ensembles' coverage gives."""
    shares, size = WinShares(known.sum(axis=0), len(known)), len(ensembles[0])
    low, high = shares.coverage_interval(size)
    errors = [_error_of(np.asarray(known[list(chosen)].any(axis=0)), misled) for chosen in ensembles]

    return {
        "predicted_coverage": shares.coverage(size),
        "predicted_low": low,
        "predicted_high": high,
        "error_predicted_mu": float(np.mean(errors)),
    }


def _error_of(covered: NDArray[np.bool_], misled: float) -> float:
    """Return the error in mu of an ensemble that covers these features, ``(class, view)``."""
    others = covered.sum() - covered.sum(axis=1, keepdims=True)

    return float((~covered * (1 - (1 - misled) ** others)).mean())
