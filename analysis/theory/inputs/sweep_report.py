"""The report of a sweep over Gaussian inputs: errors, gains and variances of outputs, setting by setting."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import rows_named
from probes.analysis.reports.report import Report
from probes.analysis.sweeps.table import axes_of, sweep_table
from probes.analysis.theory.inputs.inputs import LEARNERS, NO_GAIN, draw_bars, in_points
from probes.analysis.theory.inputs.map import inputs_map, over_seeds, settings_of

__all__ = ["against_single", "gains", "inputs_report", "legend_of", "ratios"]

_MOST_COLOURS = 4
_LEAST = 0.08  # ratio of variances, where the axis begins
_COLOURS = {"single": INK, "ensemble": VIEWS[0], "average": VIEWS[1]}
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_FACES = (*VIEWS, GOOD, INK)
_SEEDS = (
    "Means over seeds, which draw teacher, inputs and networks anew. Bars: 95 % intervals, Student's t over three "
    "seeds or more, else over test samples."
)


def inputs_report(root: str | Path) -> Report:
    """Return the report of a sweep over Gaussian inputs, ready to be rendered.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    table, frame = sweep_table(root), inputs_map(root)
    panels = list(_panels(frame)) if len(frame) else []
    panels += [Panel("points", "Every point", "Values, seed, and how the recording ended.", table, opened=True)]

    counts = table["status"].value_counts()
    facts = {"points": ", ".join(f"{count} {status}" for status, count in counts.items())}
    facts |= {name: ", ".join(map(str, sorted(frame[name].unique()))) for name in axes_of(table) if name in frame}
    facts["seeds"] = str(table["seed"].nunique())
    return Report(Path(root).resolve().name, facts, panels, frame.attrs["left_out"])


def against_single(frame: pd.DataFrame, ax: Axes, *, learner: str, by: str, marks: str) -> Axes:
    """Return the axes with one dot a setting: test error of a learner against that of single networks.

    On the line they are the same; the band is one point wide to either side.

    Args:
        frame: Columns learner, single, error, and the two below, one row per (setting, learner).
        ax: Where to draw.
        learner: "ensemble" or "average".
        by: The column that a colour stands for.
        marks: The column that a mark stands for.

    Example:
        >>> table = pd.DataFrame({"learner": ["ensemble"], "single": 0.4, "error": 0.39, "decay": "0", "kind": "fc"})
        >>> against_single(table, canvas(3, 3)[1][0], learner="ensemble", by="decay", marks="kind").get_aspect()
        1.0
    """
    reach = 1.05 * float(frame[["single", "error"]].max().max())
    ends = np.array([0, reach])
    ax.fill_between(ends, ends - NO_GAIN, ends + NO_GAIN, color=MUTED, alpha=0.25, linewidth=0)
    ax.plot(ends, ends, color=MUTED, linewidth=0.8)

    part = frame[frame["learner"] == learner]
    colours, shapes = _places(frame[by], _FACES), _places(frame[marks], _MARKS)
    for (colour, shape), dots in part.groupby([by, marks], sort=False):
        ax.plot(
            dots["single"], dots["error"], shapes[shape], color=colours[colour], alpha=0.75, markersize=4.5,
            markeredgewidth=0,
        )  # fmt: skip
    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")
    ax.set(xlabel="test error of single networks", ylabel=f"test error of the {LEARNERS[learner]}")
    return ax


def legend_of(frame: pd.DataFrame, by: str, marks: str) -> Sequence[tuple[Line2D | Patch, str]]:
    """Return the marks of `against_single` with their names.

    Example:
        >>> len(legend_of(pd.DataFrame({"decay": [0.0, 1.0], "inputs": "gaussian"}), "decay", "inputs"))
        4
    """
    colours, shapes = _places(frame[by], _FACES), _places(frame[marks], _MARKS)
    dots = [(Line2D([], [], color=colour, marker="o", linestyle="none"), str(name)) for name, colour in colours.items()]
    kinds = [(Line2D([], [], color=MUTED, marker=shape, linestyle="none"), str(name)) for name, shape in shapes.items()]

    return [*dots, *kinds, (Patch(facecolor=MUTED, alpha=0.25), "within one point")]


def gains(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a setting: what ensemble and trained average gain in error; the band is one point.

    Args:
        frame: Columns setting, learner, gain, gain_low and gain_high.
        ax: Where to draw.

    Example:
        >>> row = {"setting": "linear", "learner": "ensemble", "gain": 0.01, "gain_low": 0.0, "gain_high": 0.02}
        >>> gains(pd.DataFrame([row]), canvas(5, 2)[1][0]).get_yticklabels()[0].get_text()
        'linear'
    """
    ax.axvspan(-100 * NO_GAIN, 100 * NO_GAIN, color=MUTED, alpha=0.25, linewidth=0)
    ax.axvline(0, color=MUTED, linewidth=0.8)
    _rows(ax, in_points(frame), ("gain", "gain_low", "gain_high"))
    ax.set_xlabel("gain in test error (points)")
    marks = [
        (Line2D([], [], color=_COLOURS[name], marker="o", markersize=4), LEARNERS[name])
        for name in _COLOURS
        if (frame["learner"] == name).any()
    ]
    key(ax, marks)
    return ax


def ratios(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a setting: variance of outputs over single networks', logarithmic; dashed 1/M.

    Args:
        frame: Columns setting, learner, networks, variance_ratio, ratio_low and ratio_high.
        ax: Where to draw.

    Example:
        >>> row = {"setting": "linear", "learner": "ensemble", "networks": 5, "variance_ratio": 0.2}
        >>> ratios(pd.DataFrame([row | {"ratio_low": 0.19, "ratio_high": 0.21}]), canvas(5, 2)[1][0]).get_xlabel()
        'variance (single = 1)'
    """
    for networks in frame["networks"].unique():
        ax.axvline(1 / networks, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    _rows(ax, frame.assign(ratio_low=frame["ratio_low"].clip(_LEAST)), ("variance_ratio", "ratio_low", "ratio_high"))
    ax.set_xscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(_LEAST, max(1.5, 1.2 * float(frame["ratio_high"].max())))
    ax.set_xlabel("variance (single = 1)")
    return ax


def _panels(frame: pd.DataFrame) -> Iterator[Panel]:
    found = over_seeds(frame)
    summary = settings_of(found)
    yield _diagonal(found, summary)
    yield _setting_rows(found)

    none = f"The gain is none, at most a point or with 0 in its interval, in {summary['none'].sum()} of {len(summary)}."
    yield Panel("settings", "Every setting", f"{_SEEDS} {none}", summary, opened=True)
    yield Panel("measures", "Every point's measures", "One row per (point, learner).", frame)


def _diagonal(found: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    """Return single networks against ensemble and trained average, one dot a setting."""
    largest = found.sort_values("networks", kind="stable").drop_duplicates(["setting", "learner"], keep="last")
    single = largest[largest["learner"] == "single"].set_index("setting")["error"]
    by, marks = _colours(found)
    table = largest[largest["learner"] != "single"]
    table = table.assign(single=table["setting"].map(single), colour=by[table.index], mark=marks[table.index])

    drawn = [learner for learner in ("ensemble", "average") if (table["learner"] == learner).any()]
    figure, axes = canvas(WIDTH / 2 * len(drawn), 4.2, columns=len(drawn))
    for ax, learner in zip(axes, drawn, strict=True):
        against_single(table, ax, learner=learner, by="colour", marks="mark")
    key(figure, legend_of(table, "colour", "mark"), columns=3)
    caption = (
        f"One dot a setting, means over seeds; the band is one point of error to either side of equality. In "
        f"{summary['none'].sum()} of {len(summary)} the ensemble gains a point at most, or 0 is in its interval."
    )
    return Panel("errors", "The ensemble's error against that of its networks", caption, table, figure)


def _setting_rows(found: pd.DataFrame) -> Panel:
    """Return gain and variance of every setting, a row each."""
    smaller = found[found["variance_ratio"].notna() & (found["learner"] != "single")]
    larger = found.sort_values("networks", kind="stable").drop_duplicates(["setting", "learner"], keep="last")
    count = found["setting"].nunique()
    figure, axes = canvas(WIDTH, 0.9 + 0.22 * count, columns=2, sharey=True)
    gains(larger[larger["learner"] != "single"].sort_index(), axes[0])
    ratios(smaller, axes[1])
    caption = (
        "Left: the error of single networks less that of their ensemble (blue) and of trained averages (orange); grey: "
        f"one point. Right: variance of their outputs; dashed: 1/M, for M independent networks. {_SEEDS}"
    )
    return Panel("gains", "Gain in error, and variance of outputs", caption, found, figure)


def _colours(found: pd.DataFrame) -> tuple["pd.Series[str]", "pd.Series[str]"]:
    """Return what colours and marks stand for, of each row: numbers of a setting, and the first of its kinds."""
    words = found["setting"].str.split(", ")
    numbered = words.map(
        lambda parts: ", ".join(part for part in parts if part[-1].isdigit()) or "neither noise nor margin"
    )
    if numbered.nunique() > _MOST_COLOURS:
        numbered = numbered.str.split(", ").str[0]

    return numbered, words.map(lambda parts: next((part for part in parts if not part[-1].isdigit()), "all"))


def _rows(ax: Axes, frame: pd.DataFrame, values: tuple[str, str, str]) -> None:
    """Draw a row a setting, the learners a little above each other."""
    places = {name: place for place, name in enumerate(frame["setting"].drop_duplicates())}
    for name, colour in _COLOURS.items():
        part = frame[(frame["learner"] == name) & frame[values[0]].notna()]
        draw_bars(
            ax, part["setting"].map(places).astype(float) + (0.17 if name == "average" else -0.17), part, values, colour
        )
    rows_named(ax, list(places))


def _places(column: "pd.Series[str]", values: Sequence[str]) -> dict[object, str]:
    return {name: values[place % len(values)] for place, name in enumerate(column.drop_duplicates())}
