"""Ensembles on Gaussian inputs: errors beside the variance of outputs, setting by setting and on one axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, key

__all__ = ["against_single", "first_layer", "gains", "learners", "ratios"]

LEARNERS: Mapping[str, str] = {"single": "single networks", "ensemble": "ensemble", "average": "trained average"}
NONE = 0.01  # a gain that counts as none
_LEAST = 0.08  # ratio of variances, where the axis begins
_COLOURS = {"single": INK, "ensemble": VIEWS[0], "average": VIEWS[1]}
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_FACES = (*VIEWS, GOOD, INK)


def learners(frame: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Return two axes with one row a learner: its gain in test error, and variance of outputs over single networks'.

    Bars are 95 % intervals; grey marks what M independent networks would give.

    Args:
        frame: Table of `inputs`.
        axes: Where to draw, side by side.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> row = {"learner": "single", "networks": 1, "count": 10, "error": 0.4, "gain": 0.0}
        >>> row |= {"gain_low": 0.0, "gain_high": 0.0}
        >>> ratio = {"variance_ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
        >>> left, right = learners(pd.DataFrame([row | ratio]), canvas(6, 2, columns=2, sharey=True)[1])
        >>> left.get_yticklabels()[0].get_text()
        'single networks (10): 40.0 %'
    """
    heights = np.arange(len(frame))
    names = [_called(row) for row in frame.to_dict("records")]
    left, right = axes

    left.axvspan(-100 * NONE, 100 * NONE, color=MUTED, alpha=0.25, linewidth=0)
    _bars(left, heights, _points(frame), ("gain", "gain_low", "gain_high"))
    _bars(right, heights, frame, ("variance_ratio", "ratio_low", "ratio_high"))
    right.plot(1 / frame["networks"], heights, "|", color=MUTED, markersize=16, markeredgewidth=1.2)
    left.set_yticks(heights, names)
    left.set(ylim=(len(frame) - 0.5, -0.5), xlabel="gain in test error (points)")
    right.set(xlabel="variance (single = 1)", xlim=(0, None))
    return axes


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
        >>> from probes.analysis.plots import canvas
        >>> table = pd.DataFrame({"learner": ["ensemble"], "single": 0.4, "error": 0.39, "decay": "0", "kind": "fc"})
        >>> against_single(table, canvas(3, 3)[1][0], learner="ensemble", by="decay", marks="kind").get_aspect()
        1.0
    """
    reach = 1.05 * float(frame[["single", "error"]].max().max())
    ends = np.array([0, reach])
    ax.fill_between(ends, ends - NONE, ends + NONE, color=MUTED, alpha=0.25, linewidth=0)
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
        >>> from probes.analysis.plots import canvas
        >>> row = {"setting": "linear", "learner": "ensemble", "gain": 0.01, "gain_low": 0.0, "gain_high": 0.02}
        >>> gains(pd.DataFrame([row]), canvas(5, 2)[1][0]).get_yticklabels()[0].get_text()
        'linear'
    """
    ax.axvspan(-100 * NONE, 100 * NONE, color=MUTED, alpha=0.25, linewidth=0)
    ax.axvline(0, color=MUTED, linewidth=0.8)
    _rows(ax, _points(frame), ("gain", "gain_low", "gain_high"))
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
        >>> from probes.analysis.plots import canvas
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


def first_layer(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the cosines of single networks against steps, and what random directions give in grey.

    Args:
        frame: Table of `first_layer`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> table = pd.DataFrame({"run": "a", "role": "single", "step": [0, 9], "cosine": [0.4, 0.6], "chance": 0.4})
        >>> len(first_layer(table, canvas(3, 3)[1][0]).get_lines())
        2
    """
    for _, run in frame[frame["role"] == "single"].groupby("run", sort=False):
        ax.plot(run["step"], run["cosine"], color=VIEWS[0], linewidth=0.9, alpha=0.6)
        ax.plot(run["step"], run["chance"], color=MUTED, linewidth=0.9, alpha=0.6)

    ax.set(xlabel="step", ylabel="largest cosine of a neuron", ylim=(0, 1))
    marks = {"known directions": VIEWS[0], "random directions": MUTED}
    key(ax, [(Line2D([], [], color=colour), name) for name, colour in marks.items()])
    return ax


def _points(frame: pd.DataFrame) -> pd.DataFrame:
    """Return gains in points, hundredths."""
    return frame.assign(**{name: 100 * frame[name] for name in ("gain", "gain_low", "gain_high")})


def _rows(ax: Axes, frame: pd.DataFrame, values: tuple[str, str, str]) -> None:
    """Draw a row a setting, the learners a little above each other."""
    places = {name: place for place, name in enumerate(frame["setting"].drop_duplicates())}
    for name, colour in _COLOURS.items():
        part = frame[(frame["learner"] == name) & frame[values[0]].notna()]
        _bars(
            ax, part["setting"].map(places).astype(float) + (0.17 if name == "average" else -0.17), part, values, colour
        )
    ax.set_yticks(range(len(places)), list(places))
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _bars(
    ax: Axes, heights: ArrayLike, frame: pd.DataFrame, values: tuple[str, str, str], colour: str = VIEWS[0]
) -> None:
    value, low, high = (frame[name] for name in values)
    ax.hlines(heights, low, high, color=colour, linewidth=1.1, alpha=0.8)
    ax.plot(value, heights, "o", color=colour, markersize=4, markeredgewidth=0)


def _called(row: Mapping[Any, Any]) -> str:
    several = row["learner"] != "single" and row["count"] > 1
    of = "" if row["learner"] == "single" else f" of {row['networks']}"
    count = f" ({row['count']})" if row["count"] > 1 else ""

    return f"{LEARNERS[row['learner']]}{'s' * several}{of}{count}: {100 * row['error']:.1f} %"


def _places(column: "pd.Series[str]", values: Sequence[str]) -> dict[object, str]:
    return {name: values[place % len(values)] for place, name in enumerate(column.drop_duplicates())}
