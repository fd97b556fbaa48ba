"""Phase diagrams: a measure against one recipe value as a line with its interval, against two as a map of colours."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, VIEWS, key
from probes.analysis.plots.marks import members_axis

__all__ = ["SYMBOLS", "heat", "label_of", "lines", "members"]

# The paper's symbol for a recipe key.
SYMBOLS: Mapping[str, str] = MappingProxyType({
    "data.classes": "classes k",
    "data.patches": "patches P",
    "data.sparsity": "off-class features s",
    "data.single_view_share": "single-view share μ",
    "data.missing_view": "missing view ρ",
    "data.single_view_off_class": "off-class Γ",
    "data.feature_noise": "feature noise γ",
    "network.kind": "learner",
    "network.neurons": "neurons m",
    "network.q": "exponent q",
    "network.threshold": "threshold",
    "network.init_scale": "initial scale σ₀",
    "noise.dim": "dimension d",
    "training.samples": "samples N",
    "training.steps": "steps T",
    "training.learning_rate": "rate η",
    "distilled.temperature": "temperature τ",
    "distilled.rate_ratio": "η′/η",
    "distilled.steps": "steps of distillation",
    "training.batch_size": "batch size",
    "training.optimizer": "optimizer",
    "runs.single": "members K",
    "name": "case",
})

_COLOURS = (VIEWS[0], VIEWS[1], GOOD, BAD, INK)
_MARKS = ("o", "s", "^", "D", "v")
_WIDE = 10.0  # largest over smallest from which on an axis is logarithmic
_ROOM = 22  # characters of labels that stand side by side in one column of a paper
_ASIDE = 0.13  # from one series to the next, where words stand side by side
_SHORT = 8  # characters of names that stand in four columns over a figure; longer ones in two
_LUMINANCE = np.array([0.299, 0.587, 0.114])


def label_of(name: str) -> str:
    """Return what an axis of a recipe key is called.

    Example:
        >>> label_of("network.q"), label_of("data.own")
        ('exponent q', 'data.own')
    """
    return SYMBOLS.get(name, name)


def lines(frame: pd.DataFrame, ax: Axes, *, x: str, names: Mapping[str, str]) -> Axes:
    """Return the axes with a line for each measure: means over seeds, bars to their 95 % interval, theory dashed.

    Args:
        frame: Columns x, series, value, low, high and expected.
        ax: Where to draw.
        x: The column that varies.
        names: What each series is called, in their order.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> table = pd.DataFrame({"q": [3, 4], "series": "single", "value": 0.4, "low": 0.3, "high": 0.5})
        >>> ax = lines(table.assign(expected=0.5), canvas(3, 3)[1][0], x="q", names={"single": "single models"})
        >>> ax.get_xlabel(), len(ax.get_lines())
        ('q', 2)
    """
    places = _places(frame[x])
    shown = [name for name in names if (frame["series"] == name).any()]
    # Between words there is nothing to join, and marks of several series would hide each other.
    joined = "none" if places else "-"
    expected: dict[str, Any] = {"linestyle": "none", "marker": "_"} if places else {"linestyle": (0, (4, 2))}
    for turn, name in enumerate(shown):
        part, colour = frame[frame["series"] == name].sort_values(x), _COLOURS[turn % len(_COLOURS)]
        aside = _ASIDE * (turn - (len(shown) - 1) / 2)
        at = part[x].map(places).astype(float) + aside if places else part[x]
        ax.plot(at, part["expected"], color=colour, linewidth=1, alpha=0.7, zorder=1, **expected)
        ax.vlines(at, part["low"], part["high"], color=colour, linewidth=1.1, alpha=0.8)
        mark = _MARKS[turn % len(_MARKS)]
        ax.plot(at, part["value"], mark, color=colour, markersize=4.5, linestyle=joined, linewidth=1.2)

    _scaled(ax, frame[x], places)
    ax.set_xlabel(label_of(x))
    marks = [
        (Line2D([], [], color=_COLOURS[turn % 5], marker=_MARKS[turn % 5], markersize=4.5), names[name])
        for turn, name in enumerate(shown)
    ]
    theory = (Line2D([], [], color=MUTED, linestyle=(0, (3, 1.5)), linewidth=1), "theory")
    key(ax, [*marks, theory], columns=2)
    return ax


def heat(frame: pd.DataFrame, ax: Axes, *, x: str, y: str, title: str, limits: tuple[float, float] = (0, 1)) -> Axes:
    """Return the axes with one cell for each pair of values, its colour and its number the measure's mean.

    Args:
        frame: Columns x, y and value, one row a cell.
        ax: Where to draw.
        x: The column along the cells' columns.
        y: The column along their rows, rising.
        title: Name of the measure.
        limits: Values of the first and the last colour.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> table = pd.DataFrame({"q": [3, 4], "m": [5, 5], "value": [0.4, 0.5]})
        >>> heat(table, canvas(3, 3)[1][0], x="q", y="m", title="error").get_ylabel()
        'm'
    """
    wide = frame.pivot_table(index=y, columns=x, values="value", sort=True)
    cells = np.clip((wide.to_numpy() - limits[0]) / (limits[1] - limits[0]), 0, 1)
    colours = colormaps["cividis"](cells)
    colours[np.isnan(wide.to_numpy())] = (0, 0, 0, 0)
    ax.imshow(colours, aspect="auto", origin="lower", interpolation="nearest")

    for row, column in np.argwhere(~np.isnan(wide.to_numpy())):
        ink = "black" if colours[row, column, :3] @ _LUMINANCE > 0.5 else "white"
        number = f"{wide.to_numpy()[row, column]:.2f}"
        ax.text(column, row, number, color=ink, ha="center", va="center", fontsize=7)
    ax.set_xticks(range(wide.shape[1]), [_number(value) for value in wide.columns])
    ax.set_yticks(range(wide.shape[0]), [_number(value) for value in wide.index])
    ax.set(xlabel=label_of(x), ylabel=label_of(y))
    ax.set_title(title, fontsize=9, loc="left")
    ax.tick_params(length=0)
    return ax


def members(frame: pd.DataFrame, ax: Axes, *, value: str, ends: tuple[str, str], by: str = "") -> Axes:
    """Return the axes with a measure against the number K of ensemble members, a line for each value of a key.

    Bars reach to the 95 % interval, where there is one line.

    Args:
        frame: Columns members, value, its ends, and expected, where it is to be drawn.
        ax: Where to draw.
        value: The column of the measure.
        ends: Columns of the interval's ends.
        by: The key of the lines; "" where there is one line.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> table = pd.DataFrame({"members": [1, 2], "coverage": [0.5, 0.75], "low": 0.4, "high": 0.8})
        >>> members(table.assign(expected=[0.5, 0.75]), canvas(3, 3)[1][0], value="coverage", ends=("low", "high"))
        <Axes: xlabel='members K'>
    """
    groups: Sequence[tuple[Any, pd.DataFrame]] = list(frame.groupby(by, sort=False)) if by else [("", frame)]
    shades = colormaps["viridis"](np.linspace(0, 0.85, len(groups))) if by else [VIEWS[0]]
    for (_, part), colour in zip(groups, shades, strict=True):
        if not by:
            ax.vlines(part["members"], part[ends[0]], part[ends[1]], color=colour, linewidth=1.1)
        ax.plot(part["members"], part[value], "o-", color=colour, markersize=4, linewidth=1.1)
    line = frame.drop_duplicates("members").sort_values("members")
    ax.plot(line["members"], line["expected"], color=INK, linewidth=1, linestyle=(0, (4, 2)), zorder=4)

    names = [
        (Line2D([], [], color=colour, marker="o"), _number(name))
        for (name, _), colour in zip(groups, shades, strict=True)
    ]
    if by:
        longest = max(len(name) for _, name in names)
        key(ax, names, columns=min(4 if longest < _SHORT else 2, len(names)))
    members_axis(ax, int(frame["members"].max()))
    return ax


def _places(column: "pd.Series[Any]") -> dict[Any, int]:
    """Return the place of each value, where values are words: in the order they come in."""
    if pd.api.types.is_numeric_dtype(column):
        return {}
    return {value: place for place, value in enumerate(column.unique())}


def _scaled(ax: Axes, column: "pd.Series[Any]", places: Mapping[Any, int]) -> None:
    if places:
        slanted: Mapping[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
        room = sum(len(str(value)) for value in places) <= _ROOM
        ax.set_xticks(range(len(places)), [str(value) for value in places], **({} if room else slanted))
        ax.set_xlim(-0.6, len(places) - 0.4)
        return
    values = sorted(column.unique())
    if values[0] > 0 and values[-1] / values[0] >= _WIDE:
        ax.set_xscale("log")
    if len(values) <= 9 and (ax.get_xscale() == "linear" or _is_spread(values)):
        names = [_number(value) for value in values]
        ax.set_xticks(values, names, rotation=35 if sum(map(len, names)) > _ROOM else 0)
        ax.minorticks_off()


def _is_spread(values: Sequence[float]) -> bool:
    """Whether labels at all values have room on a logarithmic axis."""
    steps = [math.log(after / before) for before, after in pairwise(values)]

    return min(steps) > 0.11 * math.log(values[-1] / values[0])


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
