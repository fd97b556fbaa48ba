"""What the union of K members covers, beside what the features' own chances let one expect."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.findings.learned import learned, learned_sets
from probes.analysis.intervals import ENDS
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas
from probes.analysis.plots.marks import members_axis
from probes.analysis.shares import WinShares
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap
from probes.errors import LogError

__all__ = ["COLUMNS", "coverage", "draw", "panel", "subsets_of", "uncovered"]

COLUMNS = {
    "members": "number K of members",
    "subsets": "number of different sets of K members that were measured",
    "coverage": "share of the features that at least one of them has learned, mean over the sets",
    "coverage_low": "2.5th percentile over the sets",
    "coverage_high": "97.5th percentile over the sets",
    "predicted_coverage": "what follows from the share of the members that learned each feature",
    "predicted_low": "lower end of its 95 % credible interval",
    "predicted_high": "upper end of its 95 % credible interval",
    "expected": "1 - 2^-K, where features come in pairs of alternatives of which each run wins one by a fair coin",
}

_MOST_SIZES = 20
_RULE = (
    "{}; mean over all sets of K of the {} members ({} drawn at random where there are more), with the central 95 % of "
    "these sets; predicted_coverage: mean over features of 1 - (1 - p)^K, p from the share of the members that learned "
    "the feature (95 % credible interval)"
)


@finding
def coverage(study: Study, tap: str | None = None, *, subsets: int = 256, seed: int = 0) -> pd.DataFrame:
    """Return one row per number of members K: the share of the features that the union of K members covers.

    Each figure is a mean over sets of K different members, all of them or ``subsets`` drawn at random; its range is the
    central 95 % of these sets. Beyond 20 members, K takes 20 values. `expected` is empty unless there are two
    alternatives.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.
        subsets: Most sets to measure for one K.
        seed: Seed of the draw.

    Raises:
        LogError: there is no such tap, or no member has recorded it.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> coverage(study)[["members", "subsets", "coverage", "expected"]].round(2).values.tolist()[:2]
        [[1.0, 5.0, 0.55, 0.5], [2.0, 10.0, 0.78, 0.75]]
    """
    chosen = study.tap(tap)
    members = study.with_tap(chosen, study.members)
    if not members:
        raise LogError(f"expected members, runs without parents, that recorded `{chosen.name}`, got none; record some")
    known = learned_sets(study, chosen, list(members))

    drawn = subsets_of(len(members), subsets, np.random.default_rng(seed))
    table = pd.DataFrame([_row(known, sets, chosen.alternatives) for sets in drawn], columns=list(COLUMNS))
    rule = learned(study, chosen.name).attrs["rule"]
    table.attrs["rule"] = _RULE.format(rule, len(members), subsets)
    return table


@finding
def uncovered(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per feature that no member learned: which member came closest, and how far.

    Closest is the largest strength; of taps that are not own-class the peak that is largest beside its null.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> uncovered(Study(example_study(), members="single-0[34]"))[["class", "view", "run"]].values.tolist()[:2]
        [[0, 1, 'single-03'], [1, 1, 'single-04']]
    """
    chosen = study.tap(tap)
    members = [log.label for log in study.with_tap(chosen, study.members)]
    table = learned(study, chosen.name)
    table = table[table["run"].isin(members)].astype({"strength": float, "run": object}).reset_index(drop=True)
    if table.empty:
        return table.drop(columns=["learned", "stable"])
    size = table["strength"] if chosen.own_class or not chosen.units else table["peak"] / table["null_peak"]
    ranked = size.fillna(-np.inf).to_numpy().reshape(-1, chosen.features)

    closest = table.iloc[ranked.argmax(axis=0) * chosen.features + np.arange(chosen.features)]
    none = ~table["learned"].to_numpy(dtype=bool).reshape(ranked.shape).any(axis=0)
    found: pd.DataFrame = closest.loc[none].drop(columns=["learned", "stable"])
    return found.reset_index(drop=True)


def subsets_of(
    count: int, most: int, draw: np.random.Generator, sizes: Sequence[int] | None = None
) -> list[list[tuple[int, ...]]]:
    """Return for each of up to 20 sizes different sets of so many out of ``count``: all, or ``most`` drawn at random.

    Example:
        >>> [len(sets) for sets in subsets_of(4, 5, np.random.default_rng(0))]
        [4, 5, 4, 1]
    """
    spread = np.unique(np.geomspace(1, count, _MOST_SIZES).round().astype(int)).tolist()
    chosen = sizes or (range(1, count + 1) if count <= _MOST_SIZES else spread)

    return [list(_sets(count, size, most, draw)) for size in chosen]


def _sets(count: int, size: int, most: int, draw: np.random.Generator) -> Iterator[tuple[int, ...]]:
    if comb(count, size) <= most:
        yield from combinations(range(count), size)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        chosen = tuple(sorted(draw.choice(count, size, replace=False).tolist()))
        if chosen not in seen:
            seen.add(chosen)
            yield chosen


def _row(known: NDArray[np.bool_], sets: Sequence[tuple[int, ...]], alternatives: int) -> dict[str, float]:
    shares = np.array([known[list(chosen)].any(axis=0).mean() for chosen in sets])
    own, size = WinShares(known.sum(axis=0), len(known), free=True), len(sets[0])
    (low, high), (predicted_low, predicted_high) = np.quantile(shares, ENDS), own.coverage_interval(size)

    return {
        "members": size,
        "subsets": len(sets),
        "coverage": float(shares.mean()),
        "coverage_low": float(low),
        "coverage_high": float(high),
        "predicted_coverage": own.coverage(size),
        "predicted_low": predicted_low,
        "predicted_high": predicted_high,
        "expected": 1 - 0.5**size if alternatives == 2 else np.nan,
    }


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of what K members cover; None where the study has one member."""
    table = coverage(study, tap.name)
    if len(table) < 2:
        return None

    figure, axes = canvas(WIDTH / 1.7, 3)
    draw(table, axes[0])
    members, missing = table["members"].max(), len(uncovered(study, tap.name))
    coin = " Grey: each run wins one of two alternatives by a fair coin." if table["expected"].notna().any() else ""
    caption = (
        f"Features that at least one of K members has learned. Dots: mean over sets of K of {members} runs without "
        f"teachers (at most {table['subsets'].max()} sets); bars: the central 95 % of these. Dashes and band: what the "
        f"features' own chances let one expect, with its 95 % credible interval.{coin} Of {tap.features} features "
        f"{missing} {'is' if missing == 1 else 'are'} learned by no member."
    )
    return Panel("coverage", "What is covered", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the share of the features that K members cover, beside what their own chances predict.

    Args:
        table: Table of `coverage`.
        ax: Where to draw.
    """
    members, most = table["members"], int(table["members"].max())
    ax.fill_between(members, table["predicted_low"], table["predicted_high"], color=MUTED, alpha=0.2, linewidth=0)
    ax.plot(members, table["expected"], color=MUTED, linewidth=1, zorder=1)
    ax.vlines(members, table["coverage_low"], table["coverage_high"], color=VIEWS[0], linewidth=1.2)
    ax.plot(members, table["coverage"], "o", color=VIEWS[0], markersize=4.5)
    ax.plot(members, table["predicted_coverage"], "_", color=INK, markersize=11, markeredgewidth=1.6, zorder=3)

    least = float(table[["coverage_low", "predicted_low"]].min().min())
    ax.set(ylabel="share of features covered", ylim=(max(0, least - 0.05), 1.03))
    members_axis(ax, most)
    return ax
