"""What the union of K members covers, and how wrong their ensemble is, against K."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.columns import TABLES
from probes.analysis.ensembles import JointTests
from probes.analysis.facts import usable
from probes.analysis.learned import RULE, LearnedRule, learned
from probes.errors import LogError
from probes.store.protocol import LogLike

__all__ = ["coverage", "members"]

_MOST_SIZES = 20
_RULE = (
    "{}; mean over all ensembles of K of the {} runs ({} drawn at random where there are more), with the central 95 % "
    "of these ensembles; expected: 1 - 2^-K; error: mean of logits, in units of mu"
)


def members(logs: LogLike | Iterable[LogLike]) -> Sequence[LogLike]:
    """Return the runs an ensemble is made of: the singles, or every run where none has that role.

    Runs that diverged, failed or have no recorded step are left out.

    Raises:
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.example import example_study
        >>> len(members(example_study()))
        5
    """
    study = usable(logs)

    return tuple(log for log in study if log.manifest.role == "single") or study


def coverage(
    logs: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
    subsets: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """Return one row per number of members K: share of the features covered by their union, and the ensemble's error.

    Each figure is a mean over ensembles of K different runs, all of them or ``subsets`` drawn at random; its range is
    the central 95 % of these ensembles, that is, what another ensemble of K of these runs may show. Beyond 20 runs, K
    takes 20 values. The error is NaN where a run's evaluation lacks the test sets.

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
        >>> from probes.analysis.example import example_study
        >>> coverage(example_study())[["members", "subsets", "coverage", "expected"]].round(2).values.tolist()[:2]
        [[1.0, 5.0, 0.55, 0.5], [2.0, 10.0, 0.78, 0.75]]
    """
    study = members(logs)
    if not study:
        return pd.DataFrame(columns=list(TABLES["coverage"]))
    known = _learned_sets(study, learned(study, rule=rule, frame=frame))
    tests, draw = JointTests.of(study), np.random.default_rng(seed)

    sizes = np.unique(np.geomspace(1, len(study), _MOST_SIZES).round().astype(int))
    chosen = range(1, len(study) + 1) if len(study) <= _MOST_SIZES else sizes.tolist()
    rows = [_row(known, tests, list(_ensembles(len(study), size, subsets, draw))) for size in chosen]
    table = pd.DataFrame(rows).assign(rule=str(rule))[list(TABLES["coverage"])]
    table.attrs["rule"] = _RULE.format(rule, len(study), subsets)
    return table


def _learned_sets(study: Sequence[LogLike], table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which member learned which feature: ``(run, feature)``."""
    wide = table.set_index(["run", "class", "view"])["learned"].unstack(["class", "view"])

    if wide.isna().to_numpy().any():
        sizes = table.groupby("run", observed=True).size()
        raise LogError(
            f"expected members with the same features, got {sizes.min()} of run `{sizes.idxmin()}` and {sizes.max()} "
            f"of run `{sizes.idxmax()}`; cover each study by itself"
        )
    return wide.reindex([log.manifest.run_id for log in study]).to_numpy(dtype=bool)


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
