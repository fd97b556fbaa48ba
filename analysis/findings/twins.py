"""Whether the initialisation or the order of the batches decides what a run prefers: runs that share one of the two."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.factors.agreement import Agreement, between
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.preferences import preferences
from probes.analysis.sample_sets import SampleSet, plain_sets
from probes.analysis.study import Study, finding
from probes.errors import NotRecordedError
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "panel", "twins"]

COLUMNS = {
    "set": "name of the evaluation set",
    "pair": "what two runs share: the initialisation or the order of the batches",
    "by": "groups: preferences among recorded groups; factor: along what members differ in most",
    "correlation": "of the pairs' preferences: 1 less their mean square difference over that of pairs sharing neither",
    "null_low": "2.5th percentile of it where runs are permuted",
    "null_high": "97.5th percentile of the same",
    "p_value": "share of the permutations, and of what was measured, with as large a correlation",
    "agree": "share of pairs and classes whose preferred alternative is the same",
    "agree_null": "the same of pairs that share neither seed",
    "decided_by": "initialisation, order, both or neither, by the rule in attrs; empty where it is open",
    "pairs": "number of pairs",
    "control": "number of pairs that share neither",
    "n": "number of initialisations or orders that the interval rests on",
}

_INIT, _ORDER, _NEITHER = "same initialisation, other order", "other initialisation, same order", "neither shared"
_SEED = {_INIT: "init", _ORDER: "order"}
_LEAST = 4  # runs; of fewer, what they prefer is mostly what is taken off
_LEVEL = 0.05
_RULE = (
    f"initialisation or order decides where p <= {_LEVEL} for the runs that share it, and their interval lies above "
    "that of those which share the other; both where p is so small for both; else it is open"
)
_SETS = 2  # that a figure shows
_OPEN = "open (it takes three or more initialisations with other orders, and as many orders)"


@finding
def twins(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, sort of pair): how alike two members prefer that share a seed.

    Preferences are means of standardised margins by group where a class's samples have groups (`both` is none), and
    else the weights in the class's factor (`views`). Runs name their seeds as ``seeds={"init": 3, "order": 5}``; runs
    of other ``data`` are not compared. The interval is that of the jackknife over initialisations or orders.

    Args:
        study: A study, logs, or a path.

    Raises:
        NotRecordedError: no two members share one of the seeds `init` and `order` and not the other.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> twins(Study(example_study()))
        Traceback (most recent call last):
        probes.errors.NotRecordedError: expected four members or more with outputs and labels, two of which share the...
    """
    rows = [row for one in plain_sets(study).values() for row in _of_set(one, _known(study, one))]
    if not rows:
        raise NotRecordedError(
            "expected four members or more with outputs and labels, two of which share the seed `init` and not "
            "`order`, or the reverse, and two of which share neither, got none; train some runs twice, and record them "
            "by `Recorder(..., seeds={'init': 3, 'order': 5})`"
        )
    table = pd.DataFrame(rows, columns=["set", "by", "pair", *Agreement._fields, "pairs", "control", "n"])
    decided = {name: _decided(part.set_index("pair")) for name, part in table.groupby("set", sort=False)}
    table["decided_by"] = table["set"].map(decided)
    table.attrs["rule"] = _RULE

    return table


def _known(study: Study, one: SampleSet) -> Sequence[LogLike]:
    """Return the members with outputs and both seeds."""
    return [log for log in study.members if log.label in one.logits and {"init", "order"} <= {*log.manifest.seeds}]


def _pairs(logs: Sequence[LogLike]) -> Mapping[str, list[tuple[int, int]]]:
    """Return the pairs of runs of each sort, by their places; of runs on the same data."""
    seeds = [log.manifest.seeds for log in logs]
    found: dict[str, list[tuple[int, int]]] = {_INIT: [], _ORDER: [], _NEITHER: []}
    for one, other in combinations(range(len(logs)), 2):
        mine, its = seeds[one], seeds[other]
        shared = mine["init"] == its["init"], mine["order"] == its["order"]
        if mine.get("data") == its.get("data") and not all(shared):
            found[_INIT if shared[0] else _ORDER if shared[1] else _NEITHER].append((one, other))

    return found


def _of_set(one: SampleSet, logs: Sequence[LogLike]) -> Iterator[tuple[Any, ...]]:
    found = _pairs(logs)
    if one.labels is None or len(logs) < _LEAST or not found[_NEITHER]:
        return
    values, _, names = preferences(one, logs)
    for sort, seed in _SEED.items():
        pairs, seeds = found[sort], [log.manifest.seeds[seed] for log in logs]
        if pairs:
            measured = between(values, pairs, found[_NEITHER], seeds)
            shared = {seeds[run] for run, _ in pairs}
            counts = len(pairs), len(found[_NEITHER]), len(shared)
            yield one.name, "groups" if names else "factor", sort, *measured, *counts


def _decided(rows: pd.DataFrame) -> str:
    """Return what decides, by the rule; "" where it is open, or one sort of twins lacks or has no interval."""
    if not {_INIT, _ORDER} <= {*rows.index} or rows.loc[[_INIT, _ORDER], "low"].isna().any():
        return ""
    init, order = rows.loc[_INIT], rows.loc[_ORDER]
    counts = init["p_value"] <= _LEVEL, order["p_value"] <= _LEVEL
    if counts[0] and init["low"] > order["high"]:
        return "initialisation"
    if counts[1] and order["low"] > init["high"]:
        return "order"
    return "" if any(counts) and not all(counts) else "both" if all(counts) else "neither"


def panel(study: Study) -> Panel | None:
    """Return the panel of what decides the winner; None where no members share a seed."""
    try:
        table = twins(study)
    except NotRecordedError:
        return None
    names = table["set"].drop_duplicates().tolist()[:_SETS]

    figure, axes = canvas(WIDTH, 2.9, columns=2, width_ratios=(1.3, 1))
    draw(table[table["set"] == names[0]], axes[0])
    draw_pairs(study, names[0], axes[1])
    key(
        figure,
        [
            (dot(VIEWS[0]), "same initialisation, other order"),
            (dot(VIEWS[1]), "other initialisation, same order"),
            (stroke(MUTED, 4), "runs permuted, central 95 %"),
        ],
    )
    caption = (
        "How alike two runs prefer, class by class: 1 the same, 0 as pairs that share neither seed; bars: 95 % over "
        f"what is shared. Right: every class of every pair on {names[0]}. "
        f"{' '.join(_said(table, name) for name in names)} {_RULE[0].upper()}{_RULE[1:]}."
    )
    return Panel("twins", "Whether the initialisation or the order decides", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with a row for each sort of pair: its correlation with interval and null.

    Args:
        table: Rows of `twins` of one set.
        ax: Where to draw.
    """
    colours = {_INIT: VIEWS[0], _ORDER: VIEWS[1]}
    for row, sort in enumerate(table["pair"]):
        one = table.iloc[[row]]
        ax.hlines(row, one["null_low"], one["null_high"], color=MUTED, linewidth=7, alpha=0.5)
        intervals(ax, one, [row], value="correlation", colour=colours[sort])
    ax.axvline(0, color=MUTED, linewidth=0.7)
    rows_named(ax, [sort.replace(", ", ",\n") for sort in table["pair"]], fontsize=8)
    ax.set(xlabel="correlation of preferences", xlim=(-1, 1))
    return ax


def draw_pairs(study: Study, name: str, ax: Axes) -> Axes:
    """Return the axes with a dot for every class of every pair of twins: what one run prefers against the other.

    Args:
        study: The study.
        name: Of the evaluation set.
        ax: Where to draw.
    """
    one = plain_sets(study)[name]
    logs = _known(study, one)
    values, *_ = preferences(one, logs)
    gaps = values[..., 0] - values[..., -1]
    for sort, colour in ((_ORDER, VIEWS[1]), (_INIT, VIEWS[0])):
        for first, second in _pairs(logs)[sort]:
            ax.plot(gaps[first], gaps[second], ".", color=colour, markersize=4, alpha=0.7)
    reach = 1.1 * float(np.abs(gaps).max()) or 1.0
    ax.set(xlabel="preference of one run", ylabel="of its twin", xlim=(-reach, reach), ylim=(-reach, reach))
    ax.set_aspect("equal")
    return ax


def _said(table: pd.DataFrame, name: str) -> str:
    rows = table[table["set"] == name]
    parts = [
        f"{row['pair']} {row['correlation']:.3f} ({_reach(row['low'], row['high'])}; p {row['p_value']:.3g}; the same "
        f"winner in {row['agree']:.0%}, of pairs that share neither {row['agree_null']:.0%}; {row['pairs']} pairs)"
        for _, row in rows.iterrows()
    ]
    decided = rows["decided_by"].iloc[0]
    verdict = f"decided by {decided.replace('neither', 'neither of them')}" if decided else _OPEN

    return f"{name}: {verdict}: {'; '.join(parts)}."


def _reach(low: float, high: float) -> str:
    return "interval unknown" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
