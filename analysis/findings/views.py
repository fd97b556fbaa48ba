"""Views found from the outputs of several runs: what runs differ in most, class by class, and what each prefers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.class_factors import RULE, ClassFactor, class_factors
from probes.analysis.factors.calls import call
from probes.analysis.factors.factor import standardised
from probes.analysis.factors.groups import Separation, separation
from probes.analysis.margins import margins
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, intervals, rows_named
from probes.analysis.sample_sets import plain_sets
from probes.analysis.study import Study, finding

__all__ = ["COLUMNS", "PANELS", "draw", "draw_calls", "panel", "view_calls", "view_samples", "views"]

COLUMNS = {
    "set": "name of the evaluation set",
    "class": "class whose samples are looked at",
    "found": "whether there are views, by the rule in attrs",
    "share": "share of what members' standardised margins differ in that lies in one factor",
    "reliability": "correlation of the samples' coordinates that two halves of the members give, its size, mean",
    "two_means": "share of the variance of that coordinate between its two best clusters; 2 / pi of a normal one",
    "p_value": "share of 199 permutations of each run's samples, and of what was measured, with as large a `share`",
    "upper_group": "of the recorded groups the one whose samples lie highest",
    "lower_group": "the one whose samples lie lowest",
    "auc": "area under the ROC curve of the coordinate for these two",
    "auc_null": "95th percentile of the same where groups are permuted",
    "members": "number of runs without parents that it rests on",
    "n": "number of samples",
    "preference": "what the run prefers: its weight in the factor, in standard deviations of its margins",
    "upper": "share right of the samples that lie on the upper side by the other members' factor",
    "lower": "share right of those on the lower side",
    "difference": "upper less lower, low to high its 95 % interval (Newcombe)",
    "call": "the side that the run prefers; empty where the call abstains",
    "sample": "id of the sample, or its place where none was stored",
    "group": "its group, where recorded",
    "coordinate": "where it lies along the factor, of mean 0 and variance 1",
}

_SIZES = ("share", "reliability", "two_means")
_NORMAL = 2 / np.pi
_ROWS, _RUNS = 24, 24  # that a figure shows
_REFERENCES = [
    (Line2D([], [], linestyle="none", marker=marker, color=MUTED, markersize=size), name)
    for marker, size, name in (("|", 9, "Gaussian classes"), ("x", 4, "runs' samples shuffled"))
]


@finding
def views(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, class): how much of a view what members differ in most is.

    Each size of the factor stands with its 95 % interval over samples, beside the same where every run's samples are
    shuffled and that of networks on Gaussian classes, which have no views. A p-value is small there, too; sizes are
    what counts. What all runs prefer alike cannot be seen, and which side is the upper one is chance. Of more than two
    views the factor parts those that runs differ in most.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: fewer than three members have stored outputs with labels of one set, or no class has eight samples.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = views(Study(example_study()))
        >>> table[["set", "class"]].drop_duplicates().shape[0] == len(table)
        True
    """
    rows = [
        (
            each.one.name,
            each.class_,
            each.found,
            *(value for name in _SIZES for value in _size(each, name)),
            each.sizes.p_value,
            *_groups(each),
            len(each.rows),
            len(each.places),
        )
        for each in study.once(class_factors)
    ]
    sized = [f"{name}{what}" for name in _SIZES for what in ("", "_low", "_high", "_shuffled", "_gaussian")]
    columns = ["set", "class", "found", *sized, "p_value", *Separation._fields, "members", "n"]

    return _stated(pd.DataFrame(rows, columns=columns))


@finding
def view_calls(study: Study) -> pd.DataFrame:
    """Return one row per (run, evaluation set, class): which side of the factor a run prefers, if any.

    Samples are grouped by the factor of the members but the run itself, so that a call rests on nothing that the run
    has a part in; it is made of students, too, and only where views are found.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: as `views`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> sorted(set(view_calls(Study(example_study()))["call"]) - {"upper", "lower"})
        ['']
    """
    rows = [row for each in study.once(class_factors) for row in _calls(study, each)]
    columns = ["run", "role", "variant", "set", "class", "preference", "upper", "lower", "difference", "low", "high"]

    return _stated(pd.DataFrame(rows, columns=[*columns, "call"]))


@finding
def view_samples(study: Study) -> pd.DataFrame:
    """Return one row per (evaluation set, sample): where it lies along its class's factor.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: as `views`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> list(view_samples(Study(example_study())))
        ['set', 'class', 'sample', 'group', 'coordinate', 'found']
    """
    tables = [
        pd.DataFrame({
            "set": each.one.name,
            "class": each.class_,
            "sample": each.places if each.one.ids is None else each.one.ids[each.places],
            "group": "" if each.one.groups is None else each.one.groups[each.places],
            "coordinate": each.factor.samples,
            "found": each.found,
        })
        for each in study.once(class_factors)
    ]
    return _stated(pd.concat(tables, ignore_index=True))


def _size(each: ClassFactor, name: str) -> tuple[float, ...]:
    return *getattr(each.sizes, name), getattr(each.gaussian, name)


def _groups(each: ClassFactor) -> Separation:
    groups = np.full(len(each.places), "") if each.one.groups is None else each.one.groups[each.places]

    return separation(each.factor.samples, groups)


def _calls(study: Study, each: ClassFactor) -> Iterator[tuple[Any, ...]]:
    members = [log.label for log in study.members if log.label in each.one.logits]
    labels = np.asarray(each.one.labels)[each.places]
    for log in study.usable:
        if log.label not in each.one.logits:
            continue
        mine = margins(each.one.logits[log.label][each.places], labels)
        found = call(mine > 0, each.rows[[name != log.label for name in members]], each.factor.samples)
        row = standardised(mine[None])[0] - each.rows.mean(axis=0)
        preference = float(row @ each.factor.samples) / len(row)
        who = (log.label, log.manifest.role, log.manifest.variant)
        yield *who, each.one.name, each.class_, preference, *found[:-1], found.side if each.found else ""


def _stated(table: pd.DataFrame) -> pd.DataFrame:
    table.attrs["rule"] = RULE

    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of the views that outputs show; None where no run has stored any with labels."""
    sets = plain_sets(study)
    if all(one.labels is None for one in sets.values()):
        return None
    table, calls = views(study), view_calls(study)
    name = str(table.groupby("set", sort=False)["found"].sum().idxmax())
    rows = table[table["set"] == name].iloc[:_ROWS]
    called = calls[(calls["set"] == name) & calls["class"].isin(rows["class"])]

    figure, axes = canvas(WIDTH, 1.2 + 0.2 * len(rows), columns=3, sharey=True, width_ratios=(1, 1, 1.3))
    draw(rows, axes[0], size="reliability", label="two halves of the runs agree")
    draw(rows, axes[1], size="two_means", label="two clusters' share")
    axes[1].axvline(_NORMAL, color=MUTED, linestyle=":", linewidth=1)
    draw_calls(called, axes[2], rows["class"].tolist())
    marks = [(dot(INK), "views"), (dot(MUTED), "none found"), *_REFERENCES]
    sides = [(dot(VIEWS[0]), "upper side preferred"), (dot(VIEWS[1]), "lower side")]
    key(figure, [*marks, *sides], columns=3)
    caption = (
        f"What {rows['members'].max()} members differ in most on the samples of each class of {name}, with 95 % "
        "intervals over samples; dotted: a normal coordinate. Right: the side of the samples on which a run is right "
        f"more often, grouped by the other members; empty where the call abstains. {_said(table, calls, name)} "
        f"{_capital(table.attrs['rule'])}.{sets[name].stated}"
    )
    return Panel("views", "Views found from outputs", caption, table, figure)


def panel_of_calls(study: Study) -> Panel | None:
    """Return the panel of what each run prefers, a table; None where no run has stored outputs with labels."""
    if all(one.labels is None for one in plain_sets(study).values()):
        return None
    table = view_calls(study)
    caption = f"Shares right in two groups of samples that the other members' factor gives. {_capital(RULE)}."

    return Panel("view_calls", "Which view each run prefers", caption, table)


PANELS = (panel, panel_of_calls)


def draw(table: pd.DataFrame, ax: Axes, *, size: str, label: str) -> Axes:
    """Return the axes with a row for each class: one size with its interval, beside both references.

    Args:
        table: Rows of `views` of one set.
        ax: Where to draw.
        size: share, reliability or two_means.
        label: What the horizontal axis is called.
    """
    columns = {f"{size}_low": "low", f"{size}_high": "high"}
    for row, found in enumerate(table["found"]):
        one = table.iloc[[row]].rename(columns=columns)
        intervals(ax, one, [row], value=size, colour=INK if found else MUTED, size=4.5)
    places = range(len(table))
    ax.plot(table[f"{size}_gaussian"], places, "|", color=MUTED, markersize=9, markeredgewidth=1.6)
    ax.plot(table[f"{size}_shuffled"], places, "x", color=MUTED, markersize=4)

    rows_named(ax, [f"class {one}" for one in table["class"]], fontsize=7)
    ax.set(xlabel=label, xlim=(0, 1))
    return ax


def draw_calls(table: pd.DataFrame, ax: Axes, classes: list[int]) -> Axes:
    """Return the axes with a row for each class and a column for each run: the side that it prefers.

    Args:
        table: Rows of `view_calls` of one set.
        ax: Where to draw.
        classes: In the order of the rows.
    """
    runs = table["run"].drop_duplicates().tolist()[:_RUNS]
    for side, colour in (("upper", VIEWS[0]), ("lower", VIEWS[1])):
        rows = table[(table["call"] == side) & table["run"].isin(runs)]
        places = [runs.index(run) for run in rows["run"]], [classes.index(one) for one in rows["class"]]
        ax.scatter(*places, s=14 + 60 * rows["difference"].abs(), color=colour, marker="s", linewidth=0)

    ax.set_xticks(range(len(runs)), runs, rotation=90, fontsize=7)
    ax.set_xlim(-0.6, len(runs) - 0.4)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _said(table: pd.DataFrame, calls: pd.DataFrame, name: str) -> str:
    """Say in how many classes views are found, how many calls are made, and how well groups are told apart."""
    counts = table.groupby("set", sort=False)["found"].agg(["sum", "size"])
    found = "; ".join(f"in {row['sum']} of {row['size']} classes of {one}" for one, row in counts.iterrows())
    mine = calls[calls["set"] == name]
    here = table[(table["set"] == name) & table["found"]]
    groups = here["auc"].dropna()
    parted = f" Recorded groups are told apart with an area under ROC of {groups.mean():.3f}." if len(groups) else ""

    return f"Views are found {found}; {int((mine['call'] != '').sum())} of {len(mine)} calls are made.{parted}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
