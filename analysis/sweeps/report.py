"""The report of a sweep: phase diagrams of what its points measured, each beside its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.plots.look import look
from probes.analysis.reports.report import Report
from probes.analysis.rule import RULE
from probes.analysis.sweeps.contrast import KIND
from probes.analysis.sweeps.contrast_panel import contrast_panel
from probes.analysis.sweeps.diagrams import heat, label_of, lines, members
from probes.analysis.sweeps.maps import mapped, pooled, varied
from probes.analysis.sweeps.table import sweep_table

__all__ = ["sweep_report"]


@dataclass(frozen=True)
class _Group:
    """Measures that share an axis: what each is called, and the value of a heat map's last colour."""

    name: str
    title: str
    label: str
    most: float
    measures: Mapping[str, str]


_GROUPS = (
    _Group(
        "test_error",
        "Test error",
        "test error (units of μ)",
        0.6,
        {
            "single.test_error_mu": "single models",
            "ensemble.test_error_mu": "their ensemble",
            "distilled.test_error_mu": "distilled",
            "self_distilled.test_error_mu": "self-distilled",
        },
    ),
    _Group(
        "race",
        "Race and coverage",
        "share",
        1.0,
        {
            "winners.size": "|M|/k",
            "winners.predicted": "predicted view won",
            "single.one_view": "exactly one view",
            "ensemble.coverage": "covered by all",
            "distilled.features_learned": "by students",
        },
    ),
)
_COLUMN = 3.6  # inches: one column of a paper's page
_INTERVALS = (
    "Means over seeds. Bars: 95 % intervals, Student's t over three seeds or more, else from the studies' own. "
    "Dashed: theory at these values."
)
_HIGH = 2.0  # units of mu: beside higher errors others would look alike, so the axis is logarithmic from 1 on
_SAME = 1e-9  # what differs less between cells does not depend on the values
_CELLS = "Means over seeds; an empty cell was not measured."


@look()
def sweep_report(root: str | Path) -> Report:
    """Return the report of a sweep, ready to be rendered: a line against one recipe value, a map against two.

    Where more than two values vary, each has its lines, which are means over the others.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    table, (frame, covered) = sweep_table(root), mapped(root)
    keys = varied(table)

    series = frame["measure"].where(frame["variant"] == "", frame["measure"] + " " + frame["variant"])
    frame["series"] = series.astype(str)
    words = {key: table[key].unique().tolist() for key in keys if not pd.api.types.is_numeric_dtype(table[key])}
    orders = {key: pd.CategoricalDtype(values, ordered=True) for key, values in words.items()}  # that of the sweep
    ordered, pairs = frame.astype(orders), covered.astype(orders)
    panels = [*contrast_panel(frame)] if KIND in keys else [*_diagrams(ordered, keys), *_members(pairs, keys)]
    panels += [
        Panel("map", "The map", "Means over seeds.", _wide(ordered, keys), opened=True),
        Panel("measures", "Every measure of every point", "One row per (point, measure).", frame),
        Panel("points", "Every point", "Values, seed, and how the recording ended.", table, opened=True),
    ]
    counts = table["status"].value_counts()
    facts = {"points": ", ".join(f"{count} {status}" for status, count in counts.items())}
    facts |= {label_of(key): _values(table[key]) for key in keys}
    facts |= {"seeds": str(table["seed"].nunique()), "a feature is learned when": str(RULE)}
    return Report(Path(root).resolve().name, facts, panels, frame.attrs["left_out"])


def _values(column: "pd.Series[float]") -> str:
    return ", ".join(value if isinstance(value, str) else f"{value:g}" for value in sorted(column.unique()))


def _wide(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return one row for each combination of values, or for each seed where nothing else varies."""
    index = list(keys) or ["seed"]
    if frame.empty:
        return frame[index]
    wide = frame.pivot_table(index=index, columns="series", values="value", sort=False, observed=True)

    return wide.reset_index().sort_values(index, ignore_index=True).rename_axis(columns=None)


def _diagrams(frame: pd.DataFrame, keys: Sequence[str]) -> Iterator[Panel]:
    if len(keys) == 2:
        yield from _heats(frame, keys[0], keys[1])
        return
    for name in keys:
        suffix = "" if len(keys) == 1 else f"-{name.split('.')[-1]}"
        yield from _line_panels(frame, name, suffix)


def _line_panels(frame: pd.DataFrame, x: str, suffix: str) -> Iterator[Panel]:
    table = pooled(frame, [x, "series"])
    for group in _GROUPS:
        names = _named(group, table)
        rows = table[table["series"].isin(list(names))]
        if rows.empty:
            continue
        figure, (ax,) = canvas(_COLUMN, 2.9)
        lines(rows, ax, x=x, names=names)
        ax.set_ylabel(group.label)
        ax.set_ylim(-0.02, 1.03 if group.most == 1 else None)
        if rows["value"].max() > _HIGH:
            ax.set_yscale("symlog", linthresh=1)
        yield Panel(f"{group.name}{suffix}", f"{group.title} against {label_of(x)}", _INTERVALS, rows, figure)


def _named(group: _Group, frame: pd.DataFrame) -> dict[str, str]:
    """Return what each series of a group is called, in the group's order; a variant is named."""
    present = sorted(set(frame["series"]))

    return {
        series: " ".join([called, *(f"({variant})" for variant in series.split(" ")[1:])])
        for measure, called in group.measures.items()
        for series in present
        if series.split(" ")[0] == measure
    }


def _heats(frame: pd.DataFrame, x: str, y: str) -> Iterator[Panel]:
    table = pooled(frame, [x, y, "series"])
    for group in _GROUPS:
        names = _named(group, table)
        same = {name: mean for name in names for mean in _constant(table.loc[table["series"] == name, "value"])}
        drawn = [name for name in names if name not in same]
        if not drawn:
            continue
        rows, columns = -(-len(drawn) // 2), min(2, len(drawn))
        figure, axes = canvas(_COLUMN * columns, 2.5 * rows, rows=rows, columns=columns)
        for ax, name in zip(axes, drawn, strict=False):
            heat(table[table["series"] == name], ax, x=x, y=y, title=names[name], limits=(0, group.most))
        for ax in axes[len(drawn) :]:
            ax.set_axis_off()

        listed = ", ".join(f"{names[name]} {mean:.3g}" for name, mean in same.items())
        caption = _CELLS + f" The same in all cells: {listed}." * bool(same)
        yield Panel(group.name, f"{group.title}, {group.label}", caption, table[table["series"].isin(drawn)], figure)


def _constant(column: "pd.Series[float]") -> list[float]:
    """Return the one value of a column that depends on nothing; else none."""
    return [float(column.iloc[0])] if column.max() - column.min() < _SAME else []


def _members(frame: pd.DataFrame, keys: Sequence[str]) -> Iterator[Panel]:
    by = list(keys) if len(keys) == 1 else []
    if frame.empty or frame["members"].max() < 2:
        return
    shares = pooled(frame, [*by, "members"], ("coverage", "low", "high"))
    errors = pooled(
        frame.assign(expected=1 - frame["expected"]), [*by, "members"], ("error_mu", "error_low", "error_high")
    )
    words = bool(by) and not pd.api.types.is_numeric_dtype(shares[by[0]])
    figure, axes = canvas(2 * _COLUMN, 2.7 + words * 0.11 * shares[by].nunique().sum(), columns=2)
    members(shares, axes[0], value="coverage", ends=("low", "high"), by="".join(by))
    members(errors, axes[1], value="error_mu", ends=("error_low", "error_high"), by="".join(by))
    axes[0].set(ylabel="share of features covered", ylim=(min(0.4, shares["coverage"].min()) - 0.02, 1.02))
    axes[1].set(ylabel="ensemble's test error (units of μ)")
    axes[1].set_ylim(bottom=-0.015)

    table = shares.merge(errors.drop(columns=["expected", "n"]), on=[*by, "members"])
    named = f", a line for each {label_of(by[0])}" if by else ""
    caption = (
        f"What K members cover together, and their ensemble's error{named}: means over seeds. Dashed: 1 - 2^-K, 2^-K."
    )
    yield Panel("members", "Coverage against the number of members", caption, table, figure)
