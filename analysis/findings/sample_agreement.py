"""Whether runs learn the samples of a probe batch in the same order."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from probes.analysis.findings.samples import courses, samples
from probes.analysis.intervals import ENDS
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot, rows_named
from probes.analysis.study import Study, finding
from probes.errors import NotRecordedError

__all__ = ["COLUMNS", "panel", "sample_agreement"]

COLUMNS = {
    "order": "first_learned or settled, the column of `samples` whose order is compared",
    "other": "the other run",
    "correlation": "rank correlation (Spearman) of these steps in both runs; never is last",
    "null_low": "2.5th percentile of it where samples are permuted",
    "null_high": "97.5th percentile of it where samples are permuted",
    "p_value": "share of the permutations, and of what was measured, that agree as much",
    "n": "number of samples",
}

_PERMUTATIONS = 999
_RUNS = 16  # whose pairs are compared
_LEAST = 3  # samples
_SAID = {"settled": "learned for good", "first_learned": "first learned"}  # in the order of the table
_ORDERS = tuple(_SAID)
_COLUMNS = ("order", "run", "other", "correlation", "null_low", "null_high", "p_value", "n")
_ROUNDING = 1e-12  # of a correlation
_NAMED = 24  # pairs that have a row with their name


@finding
def sample_agreement(study: Study) -> pd.DataFrame:
    """Return one row per (order, pair of runs): how alike the order is in which they learn the same samples.

    Spearman's rank correlation of the steps, where samples that share a step share a rank and one without a step comes
    last; beside 999 permutations of the samples. The orders are those of `first_learned`, which a network that puts
    all samples into one class at first reaches by accident, and, where margins were recorded, of `settled`. Of more
    than 16 runs the first 16 are compared.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: no two runs say when they learned the same samples.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("first_learned", ("sample",), (5,), dtype="<i8", quantity="first_learned")
        >>> logs = [memory_log(Manifest(run, (series,)), [9], {series.name: [[1, 2, 5, 9, -1]]}) for run in "ab"]
        >>> sample_agreement(logs).round(3)[["order", "run", "other", "correlation", "n"]].values.tolist()
        [['first_learned', 'a', 'b', 1.0, 5]]
    """
    table = samples(study)
    rows = [row for order in _ORDERS if order in table for row in _pairs(study, table, order)]
    if not rows:
        raise NotRecordedError(
            "expected two runs that say when they first learned the same samples of a probe batch, got none; record "
            "`probes.quantities.first_learned(batch)` or `sample_margins(batch)` with the same batch in each"
        )
    return pd.DataFrame(rows, columns=["batch", *_COLUMNS])


def _pairs(study: Study, table: pd.DataFrame, order: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows, batch by batch, of the runs that looked at the same samples."""
    described = {log.label: log.manifest.batches for log in study.usable}
    known = table[table["learned"].notna()]
    for batch, part in known.groupby("batch", sort=False):
        orders = {}
        for run, rows in part.groupby("run", sort=False):
            facts = dict(described[str(run)].get(str(batch) or "probe", {}))
            if order == "first_learned" or rows[order].notna().any():
                orders[str(run)] = ((*rows["sample"], facts.get("sha256")), _ranks(rows[order]))
        for one, other in combinations(list(orders)[:_RUNS], 2):
            (mine, ranks), (others, more) = orders[one], orders[other]
            if mine == others and len(ranks) >= _LEAST:
                yield batch, order, one, other, *_agreement(ranks, more), len(ranks)


def _ranks(steps: "pd.Series[int]") -> NDArray[np.float64]:
    """Return the ranks of steps, standardised; NaN where all are the same."""
    ranks = stats.rankdata(steps.astype("Float64").fillna(np.inf).to_numpy(dtype=float))
    spread = ranks.std()

    return np.asarray((ranks - ranks.mean()) / spread if spread else np.full(len(ranks), np.nan))


def _agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the correlation of ranks, both ends of its null, and its p value, one-sided; NaN where it is undefined."""
    found = float(np.mean(one * other))
    if np.isnan(found):
        return (found,) * 4
    draw = np.random.default_rng(0)
    null = np.array([np.mean(one * draw.permutation(other)) for _ in range(_PERMUTATIONS)])
    low, high = np.quantile(null, ENDS)

    return found, float(low), float(high), float((1 + np.sum(null >= found - _ROUNDING)) / (1 + _PERMUTATIONS))


def panel(study: Study) -> Panel | None:
    """Return the panel of how alike the orders of learning are; None where no two runs have recorded them."""
    if len([log for log in study.usable if courses(log)]) < 2:
        return None
    try:
        table = sample_agreement(study)
    except NotRecordedError:
        return None
    shown = table.dropna(subset=["correlation"]).iloc[:_NAMED]
    if shown.empty:
        return None

    figure, (ax,) = canvas(WIDTH, 0.8 + 0.2 * len(shown))
    places = np.arange(len(shown))
    ax.hlines(places, shown["null_low"], shown["null_high"], color=MUTED, linewidth=5, alpha=0.5)
    ax.plot(shown["correlation"], places, "o", color=VIEWS[0], markersize=5, clip_on=False)
    rows_named(ax, [f"{row.run}, {row.other}: {_SAID[str(row.order)]}" for row in shown.itertuples()], fontsize=7)
    ax.set(
        xlabel="rank correlation",
        xlim=(float(shown[["correlation", "null_low"]].to_numpy().min(initial=-0.2)) - 0.05, 1),
    )
    key(ax, [(dot(VIEWS[0]), "two runs"), (stroke(MUTED, 4), "samples permuted, central 95 %")])
    more = f" {len(table) - len(shown)} more rows are in the table." if len(table) > len(shown) else ""
    caption = (
        "Rank correlation of the steps at which two runs learned each sample, beside "
        f"{_PERMUTATIONS} permutations of the samples; never is last. {' '.join(_medians(table))}{more}"
    )
    return Panel("sample_agreement", "Whether runs learn samples in the same order", caption, table, figure)


def _medians(table: pd.DataFrame) -> Iterator[str]:
    """Yield what is said of each order."""
    for order, rows in table.groupby("order", sort=False):
        yield (
            f"{_SAID[str(order)].capitalize()}: median {rows['correlation'].median():.3g} over {len(rows)} pairs of "
            f"{rows['n'].max():,} samples, largest p {rows['p_value'].max():.3g}."
        )
