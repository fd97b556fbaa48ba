"""What the union of K members covers, and how wrong their ensemble is, against K."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.intervals import ENDS
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas
from probes.analysis.plots.marks import members_axis
from probes.analysis.shares import WinShares
from probes.analysis.study import Study, finding
from probes.analysis.theory.ensembles import JointTests
from probes.analysis.theory.findings.lottery import mean_chances
from probes.analysis.theory.recipe import correlation_series, sparsity
from probes.analysis.theory.roles import ensemble_members, race_sets
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "coverage", "draw", "draw_errors", "panel"]

COLUMNS = {
    "members": "number K of ensemble members",
    "subsets": "number of different ensembles of K members that were measured",
    "coverage": "share of all features that at least one member learned, mean over the ensembles",
    "coverage_low": "2.5th percentile over the ensembles",
    "coverage_high": "97.5th percentile over the ensembles",
    "expected": "1 - 2^-K: every member learns one of two views of a class, by a fair coin",
    "lottery": "coverage that follows from the lottery of the initialisation, by S, q and m alone",
    "predicted_coverage": "coverage that follows from the share of the runs that learned each feature",
    "predicted_low": "lower end of its 95 % credible interval",
    "predicted_high": "upper end of its 95 % credible interval",
    "error_mu": "test error in mu: single-view error rate + (1 - mu)/mu times multi-view error rate",
    "error_mu_low": "2.5th percentile over the ensembles",
    "error_mu_high": "97.5th percentile over the ensembles",
    "error_predicted_mu": "test error in mu that follows from the features that are not covered",
}

_MOST_SIZES = 20
_RULE = (
    "{}; mean over all ensembles of K of the {} runs ({} drawn at random where there are more), with the central 95 % "
    "of these ensembles; expected: 1 - 2^-K; lottery and predicted_coverage: mean over features of 1 - (1 - p)^K, "
    "with p from S, q and m alone, or from the share of the runs that learned the feature (95 % credible interval); "
    "error: mean of logits, in units of mu; error_predicted: share of features not covered, times the chance that a "
    "sample shows any feature of another class that is covered{}"
)


@finding
def coverage(study: Study, *, subsets: int = 256, seed: int = 0) -> pd.DataFrame:
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
        study: A study of the theory, logs, or a path; the members are its singles, or all runs where there are none.
        subsets: Most ensembles to measure for one K.
        seed: Seed of the draw.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or runs disagree on features or on test
            samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> coverage(example_study())[["members", "subsets", "coverage", "expected"]].round(2).values.tolist()[:2]
        [[1.0, 5.0, 0.55, 0.5], [2.0, 10.0, 0.78, 0.75]]
    """
    runs = ensemble_members(study)
    if not runs:
        return pd.DataFrame(columns=[*COLUMNS, "rule"])
    known = race_sets(study, runs)
    tests, generator, misled = JointTests.of(runs), np.random.default_rng(seed), _chance_of_another(runs[0])

    drawn = [list(_ensembles(len(runs), size, subsets, generator)) for size in _sizes(len(runs))]
    rows = [_row(known, tests, ensembles) | _predicted(known, misled, ensembles) for ensembles in drawn]
    chances = mean_chances(runs)
    by_lottery = [1 - ((1 - chances) ** row["members"]).mean() for row in rows]
    table = pd.DataFrame(rows).assign(lottery=by_lottery, rule=str(study.rule))[[*COLUMNS, "rule"]]
    unsaturated = "" if misled < 1 else " (taken as 1: the recipe does not state how many there are)"
    table.attrs["rule"] = _RULE.format(study.rule, len(runs), subsets, unsaturated)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of coverage against K, beside the ensembles' error where runs were tested."""
    table = coverage(study)
    if not len(table):
        return None

    tested = bool(table["error_mu"].notna().any())
    figure, axes = canvas(WIDTH if tested else WIDTH / 2, 3, columns=1 + tested)
    draw(table, axes[0])
    if tested:
        draw_errors(table, axes[1])
    caption = (
        "Features that at least one of K members has learned, and the error of the mean of their logits. Dots: mean "
        f"over ensembles of K of {table['members'].max()} runs (at most {table['subsets'].max()} of them); bars: the "
        "central 95 % of these. Grey: every member learns one of the two views of a class by a fair coin. Dashes: "
        "coverage by each class's own chance, from the runs; error by the features that an ensemble does not cover, "
        "where it is wrong unless a sample shows nothing else that it knows."
    )
    return Panel("coverage", "What is covered", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the share of features that K members cover, and the line 1 - 2^-K.

    A dash is the coverage that each class's own chance gives, as the runs have it, and a band its credible interval.

    Args:
        frame: Table of `coverage`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(coverage(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'members K'
    """
    ax.fill_between(
        frame["members"], frame["predicted_low"], frame["predicted_high"], color=MUTED, alpha=0.2, linewidth=0
    )
    _draw_against_members(frame, "coverage", frame["expected"], ax)
    _draw_dashes(frame, "predicted_coverage", ax)
    _name_line(ax, "1 \N{MINUS SIGN} 2⁻ᴷ", frame["members"], frame["expected"], (6, -12))

    ax.set(ylabel="share of features covered", ylim=(min(0.4, frame["coverage_low"].min()), 1.03))
    return ax


def draw_errors(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the test error of ensembles of K members in units of mu, and the line 2^-K.

    A dash is the error that follows from the features that an ensemble does not cover.

    Args:
        frame: Table of `coverage`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw_errors(coverage(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'members K'
    """
    _draw_against_members(frame, "error_mu", 1 - frame["expected"], ax)
    _draw_dashes(frame, "error_predicted_mu", ax)
    _name_line(ax, "2⁻ᴷ", frame["members"], 1 - frame["expected"], (6, 4))

    ax.set(ylabel="ensemble's test error (units of μ)")
    ax.set_ylim(bottom=-0.015)
    return ax


def _draw_against_members(frame: pd.DataFrame, name: str, expected: "pd.Series[float]", ax: Axes) -> None:
    """Draw the line, and means with the central 95 % of the ensembles."""
    ax.plot(frame["members"], expected, color=MUTED, linewidth=1, zorder=1)
    ax.vlines(frame["members"], frame[f"{name}_low"], frame[f"{name}_high"], color=VIEWS[0], linewidth=1.2)
    ax.plot(frame["members"], frame[name], "o", color=VIEWS[0], markersize=4.5)

    members_axis(ax, int(frame["members"].max()))


def _draw_dashes(frame: pd.DataFrame, name: str, ax: Axes) -> None:
    ax.plot(frame["members"], frame[name], "_", color=INK, markersize=11, markeredgewidth=1.6, zorder=3)


def _name_line(
    ax: Axes, name: str, members: "pd.Series[int]", values: "pd.Series[float]", offset: tuple[float, float]
) -> None:
    """Write a line's name beside its second point, where it bends."""
    place = min(1, len(members) - 1)

    ax.annotate(
        name, (members.iloc[place], values.iloc[place]), offset, textcoords="offset points", color=MUTED, fontsize=9
    )


def _chance_of_another(log: LogLike) -> float:
    """Return s/k, the probability that a sample shows a given feature of another class; 1 where s is not known."""
    present = sparsity(log)

    return 1.0 if present is None else min(1.0, present / correlation_series(log).shape[0])


def _sizes(runs: int) -> Sequence[int]:
    """Return the numbers of members that are measured: all up to 20 runs, else 20 on a logarithmic scale."""
    if runs <= _MOST_SIZES:
        return range(1, runs + 1)
    sizes: list[int] = np.unique(np.geomspace(1, runs, _MOST_SIZES).round().astype(int)).tolist()

    return sizes


def _ensembles(count: int, size: int, most: int, generator: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Yield different sets of ``size`` out of ``count`` members: all, or ``most`` drawn at random."""
    if comb(count, size) <= most:
        yield from combinations(range(count), size)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        chosen = tuple(sorted(generator.choice(count, size, replace=False).tolist()))
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
    low, high = np.quantile(values, ENDS)

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
