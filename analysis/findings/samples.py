"""Which samples of a probe batch each run learns when, and which it forgets; easy, hard and ambiguous ones."""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, GOOD, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import dot
from probes.analysis.study import Study, finding
from probes.errors import LogError
from probes.log.protocol import LogLike, SeriesLike

__all__ = ["COLUMNS", "courses", "draw_map", "draw_order", "draw_shares", "panel", "samples"]

COLUMNS = {
    "batch": "name of the probe batch; empty where it has none",
    "sample": "the sample's id, or its place in the batch",
    "learned": "whether the model has put the sample into its class at any step looked at; empty where that is unknown",
    "first_learned": "the first of these steps; empty where there is none",
    "settled": "the step from which on it is so at all of these steps; empty where it is not at the last",
    "forgetting_events": "how often a sample that was right has turned wrong",
    "confidence": "mean probability of the sample's class over the steps looked at",
    "variability": "standard deviation of that probability over these steps",
    "correctness": "share of these steps at which the model puts the sample into its class",
    "mean_margin": "mean over these steps of the class's logit less the largest other one",
    "margin_deviation": "standard deviation of that margin over these steps",
    "mean_loss": "mean over these steps of the sample's loss",
    "loss_deviation": "standard deviation of that loss over these steps",
}

_MAP = ("confidence", "variability", "correctness")
# Quantities that this rests on; a series is called so, with the name of its batch behind a dot.
_KINDS = ("first_learned", "forgetting_events", "cartography", "sample_margins", "sample_losses")
_MOST = 2_000_000  # rows of the table
_DOTS = 1000  # samples in a figure
# What a map has up and across, the first that the runs have recorded: as in Swayamdipta et al., of margins, of losses.
_MAPS = (("confidence", "variability"), ("mean_margin", "margin_deviation"), ("mean_loss", "loss_deviation"))


@finding
def samples(study: Study) -> pd.DataFrame:
    """Return one row per (run, batch, sample): when it was learned, how often forgotten, how sure the run was of it.

    From what `probes.quantities` recorded: `first_learned`, `forgetting_events` (Toneva et al. 2019) and `cartography`
    (Swayamdipta et al. 2020) as they are at the last step, and means over the steps of `sample_margins` and
    `sample_losses`. Where the first three were not recorded margins say the first two and the correctness, at the steps
    they were recorded at; columns of what no run has recorded are left out.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has recorded any of these, or they have more than 2,000,000 samples in all.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("sample_margins", ("sample",), (2,), quantity="margin")
        >>> values = [[-1.0, -1.0], [1.0, -2.0], [3.0, -3.0]]
        >>> table = samples(memory_log(Manifest("a", (series,)), [0, 5, 10], {"sample_margins": values}))
        >>> table[["sample", "learned", "first_learned", "mean_margin"]]
           sample  learned  first_learned  mean_margin
        0       0     True              5          1.0
        1       1    False           <NA>         -2.0
    """
    known = [(log, batch, found) for log in study.usable for batch, found in courses(log).items()]
    if not known:
        raise LogError(
            "expected samples of a probe batch, got none; record them by `probes.quantities.sample_margins(batch)`, "
            "`first_learned(batch)`, `forgetting_events(batch)` or `cartography(batch)`"
        )
    rows = sum(log.series[next(iter(found.values()))].shape[-1] for log, _, found in known)
    if rows > _MOST:
        raise LogError(f"expected at most {_MOST:,} samples of all runs, got {rows:,}; analyse fewer runs at a time")
    found = pd.concat([_of_run(log, batch, series) for log, batch, series in known], ignore_index=True)

    columns = [name for name in COLUMNS if name in found]
    whole = {**dict.fromkeys(("first_learned", "settled", "forgetting_events"), "Int64"), "learned": "boolean"}
    return found[["run", "role", "variant", *columns]].astype({name: whole[name] for name in columns if name in whole})


def courses(log: LogLike) -> Mapping[str, Mapping[str, str]]:
    """Return for each probe batch of a run the quantities of its samples, each with the name of its series.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> series = Series("sample_losses.held-out", ("sample",), (2,), quantity="loss")
        >>> courses(memory_log(Manifest("a", (series,)), [0], {series.name: [[1.0, 2.0]]}))
        {'held-out': {'sample_losses': 'sample_losses.held-out'}}
    """
    found: dict[str, dict[str, str]] = {}
    for name, series in log.series.items():
        kind, _, batch = name.partition(".")
        if kind in _KINDS and series.quantity and series.dims[-1:] == ("sample",) and len(log[name].steps):
            found.setdefault(batch, {})[kind] = name

    return found


def _of_run(log: LogLike, batch: str, series: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of one run and batch; what was recorded as such stands before what follows from margins."""
    columns: dict[str, Any] = {}
    if "sample_losses" in series:
        columns |= _moments(log[series["sample_losses"]], "loss")
    if "sample_margins" in series:
        margins = log[series["sample_margins"]]
        columns |= _moments(margins, "margin") | _of_margins(margins)
    if "cartography" in series:
        name = series["cartography"]
        last = log[name][-1]
        columns |= {one: last[log.series[name].labels["measure"].index(one)] for one in _MAP}
    if "forgetting_events" in series:
        columns["forgetting_events"] = log[series["forgetting_events"]][-1]
    if "first_learned" in series:
        columns |= _learned(log[series["first_learned"]][-1])

    first = log.series[next(iter(series.values()))]
    labels = first.labels.get("sample", ())
    called = list(labels) if len({*labels}) == len(labels) > 0 else np.arange(first.shape[-1])
    who = {"run": log.label, "role": log.manifest.role, "variant": log.manifest.variant, "batch": batch}
    return pd.DataFrame({"sample": called, **columns}).assign(**who)


def _learned(first: NDArray[np.integer]) -> dict[str, Any]:
    return {"learned": first >= 0, "first_learned": pd.Series(first, dtype="Int64").where(first >= 0)}


def _moments(series: SeriesLike, name: str) -> dict[str, Any]:
    """Return mean and standard deviation over the steps of every sample."""
    steps, total, squares = 0, 0.0, 0.0
    start = np.asarray(series[0], dtype=np.float64)  # differences to it lose no digits
    for _, values in series.blocks():
        moved = np.asarray(values, dtype=np.float64) - start
        steps, total, squares = steps + len(moved), total + moved.sum(axis=0), squares + np.square(moved).sum(axis=0)
    mean = total / steps

    return {f"mean_{name}": start + mean, f"{name}_deviation": np.sqrt(np.maximum(squares / steps - mean**2, 0))}


def _of_margins(series: SeriesLike) -> dict[str, Any]:
    """Return when margins are first above 0, and for good, how often they fall again, and their share above 0."""
    samples = series.shape[-1]
    first, since, forgotten = (np.full(samples, start, dtype=np.int64) for start in (-1, -1, 0))
    before, above, steps = np.zeros((1, samples), dtype=bool), np.zeros(samples), 0
    for at, values in series.blocks():
        right = np.asarray(values) > 0
        fresh = (first < 0) & right.any(axis=0)
        first[fresh] = at[right.argmax(axis=0)[fresh]]
        earlier = np.concatenate([before, right[:-1]])
        forgotten += (earlier & ~right).sum(axis=0)
        turned = right & ~earlier
        again = turned.any(axis=0)
        since[again] = at[len(at) - 1 - turned[::-1].argmax(axis=0)[again]]
        before, above, steps = right[-1:], above + right.sum(axis=0), steps + len(right)

    settled = pd.Series(since, dtype="Int64").where(before[0])
    return {**_learned(first), "settled": settled, "forgetting_events": forgotten, "correctness": above / steps}


def panel(study: Study) -> Panel | None:
    """Return the panel of the first batch: when samples are learned, and their map; None where none were recorded."""
    if not any(courses(log) for log in study.usable):
        return None
    table = samples(study)
    batches = table["batch"].drop_duplicates().tolist()
    rows = table[table["batch"] == batches[0]]
    known = rows[rows["learned"].fillna(value=False)] if "learned" in rows else rows.iloc[:0]
    students = {log.label for log in study.students}
    maps = [pair for pair in _MAPS if pair[0] in rows and rows[pair[0]].notna().any()]

    cells = [*([draw_order, draw_shares] if len(known) else []), *([draw_map] if maps else [])]
    figure, axes = canvas(WIDTH, 2.9, columns=max(1, len(cells)))
    for ax, mark in zip(axes, cells, strict=False):
        mark(rows, ax, students)
    if students:
        key(figure, [(stroke(VIEWS[0]), "runs without teachers"), (stroke(GOOD), "students")])
    caption = (
        f"{rows['sample'].nunique():,} samples{f' of the batch {batches[0]}' if batches[0] else ''} in "
        f"{rows['run'].nunique()} runs. {_said(rows)}"
        + (f"{len(batches) - 1} more batches are in the table." if len(batches) > 1 else "")
    )
    return Panel("samples", "Which samples are learned when", caption.strip(), table, figure)


def draw_order(table: pd.DataFrame, ax: Axes, students: Set[str] = frozenset()) -> Axes:
    """Return the axes with the step at which each sample was learned first, median and range over runs, in this order.

    Args:
        table: Rows of `samples` of one batch, with `learned`.
        ax: Where to draw.
        students: Not used.
    """
    known = table[table["learned"].notna()]
    steps = known["first_learned"].astype("Float64").fillna(np.inf).astype(float)
    found = steps.groupby(known["sample"], sort=False, observed=True).agg(["median", "min", "max"])
    found = found.sort_values(["median", "min", "max"], ignore_index=True)
    found = found.iloc[np.unique(np.linspace(0, len(found) - 1, min(_DOTS, len(found))).round().astype(int))]
    top = 1.08 * max(1.0, float(steps[np.isfinite(steps)].max()))

    capped = found.clip(upper=top)
    never = np.isinf(found["median"])
    ax.vlines(found.index, capped["min"], capped["max"], color=MUTED, linewidth=0.5, alpha=0.4)
    ax.plot(found.index[~never], found["median"][~never], ".", color=VIEWS[0], markersize=3)
    ax.plot(found.index[never], np.full(int(never.sum()), top), ".", color=BAD, markersize=3)
    ax.set(xlabel="samples, by their median", ylabel="first learned at step")
    key(ax, [(dot(VIEWS[0]), "median of runs"), *([(dot(BAD), "never")] if never.any() else [])])
    return ax


def draw_shares(table: pd.DataFrame, ax: Axes, students: Set[str]) -> Axes:
    """Return the axes with the share of the samples that each run has learned by each step.

    Args:
        table: Rows of `samples` of one batch, with `learned`.
        ax: Where to draw.
        students: Labels of the runs with teachers.
    """
    known = table[table["learned"].notna()]
    end = float(known["first_learned"].max())
    for run, rows in known.groupby("run", sort=False, observed=True):
        steps = np.sort(rows["first_learned"].dropna().to_numpy(dtype=float))
        shares = np.arange(1, len(steps) + 1) / len(rows)
        colour = GOOD if run in students else VIEWS[0]
        ax.step([*steps, end], [*shares, len(steps) / len(rows)], where="post", color=colour, linewidth=1.2, alpha=0.7)
    ax.set(xlabel="step", ylabel="share of samples learned so far", ylim=(0, 1.02))
    return ax


def draw_map(table: pd.DataFrame, ax: Axes, students: Set[str] = frozenset()) -> Axes:
    """Return the axes with a dot for every sample: how sure runs are of it against how unsteadily, means over runs.

    Args:
        table: Rows of `samples` of one batch, with the columns of a map.
        ax: Where to draw.
        students: Not used.
    """
    up, across = next(pair for pair in _MAPS if pair[0] in table and table[pair[0]].notna().any())
    columns = [name for name in (up, across, "forgetting_events") if name in table]
    found = table.groupby("sample", sort=False, observed=True)[columns].mean()
    found = found.iloc[np.unique(np.linspace(0, len(found) - 1, min(_DOTS, len(found))).round().astype(int))]

    counts = found["forgetting_events"].astype(float) if "forgetting_events" in found else None
    colours = {"color": VIEWS[0]} if counts is None else {"c": counts, "cmap": "viridis"}
    drawn = ax.scatter(found[across], found[up], s=5, linewidths=0, **colours)
    ax.set(xlabel=across.replace("_", " "), ylabel=up.replace("_", " "))
    if counts is not None:
        bar = ax.figure.colorbar(drawn, ax=ax, aspect=30, pad=0.02, label="forgetting events")
        bar.ax.tick_params(length=0, labelsize=7)
        bar.outline.set_visible(False)
    return ax


def _said(rows: pd.DataFrame) -> str:
    """Say how many samples runs learn and forget, and what the map shows."""
    parts = []
    if "learned" in rows and rows["learned"].notna().any():
        shares = rows.groupby("run", sort=False)["learned"].mean().astype(float)
        never = (~rows.groupby("sample", sort=False)["learned"].max().astype("boolean")).sum()
        parts.append(
            f"Learned at some step: {shares.min():.1%} to {shares.max():.1%} of a run's samples; {never} by no run. "
            "First: median over runs of the first step, and its range; second: the share learned so far."
        )
    if "forgetting_events" in rows:
        counts = rows.groupby("run", sort=False)["forgetting_events"].mean().astype(float)
        parts.append(f"Forgetting events a sample: {counts.min():.3g} to {counts.max():.3g} in a run.")
    if any(up in rows for up, _ in _MAPS):
        parts.append("Map: low and steady is hard, or labelled wrongly; high and steady easy; unsteady ambiguous.")

    return "".join(f"{part} " for part in parts)
