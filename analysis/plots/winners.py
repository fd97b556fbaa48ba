"""Which view every run learned of every class, as a grid, with what the initialisation said."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from probes.analysis.plots.canvas import INK, MUTED, VIEWS, key

__all__ = ["winners"]

_HALF = 0.46


def winners(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a run and one square a class, coloured by the view that was learned.

    A ring marks a class outside M, where the lead at initialisation is below the gap factor; a cross marks a class
    that learned another view than the initialisation predicts.

    Args:
        frame: Table of `winners`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import winners as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> len(winners(table(example_study()[-5:]), canvas(4, 3)[1][0]).get_yticks())
        5
    """
    runs = {run: row for row, run in enumerate(frame["run"].unique())}
    for run, class_, learned in zip(frame["run"], frame["class"], frame["learned"], strict=True):
        _cell(ax, class_, runs[run], learned)
    _mark(ax, frame[~frame["winner"]], runs, marker="o", markersize=4)
    missed = frame["learned"].isin(["view 0", "view 1"]) & ~frame["agrees"]
    _mark(ax, frame[missed], runs, marker="x", markersize=5)

    ax.set(xlim=(-0.5, frame["class"].max() + 0.5), ylim=(len(runs) - 0.5, -0.5), aspect="equal", xlabel="class")
    ax.set_xticks(sorted(frame["class"].unique()))
    ax.set_yticks(list(runs.values()), list(runs))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    key(ax, _names())
    return ax


def _cell(ax: Axes, x: float, y: float, learned: str) -> None:
    left, right, top, bottom = x - _HALF, x + _HALF, y - _HALF, y + _HALF
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]

    if learned == "both":
        ax.add_patch(Polygon([corners[0], corners[1], corners[3]], facecolor=VIEWS[0], linewidth=0))
        ax.add_patch(Polygon([corners[1], corners[2], corners[3]], facecolor=VIEWS[1], linewidth=0))
    elif learned == "none":
        ax.add_patch(Polygon(corners, fill=False, edgecolor=MUTED, linewidth=0.7))
    else:
        ax.add_patch(Polygon(corners, facecolor=VIEWS[learned == "view 1"], linewidth=0))


def _mark(ax: Axes, frame: pd.DataFrame, runs: Mapping[str, int], **style: Any) -> None:
    fixed: dict[str, Any] = {"linestyle": "none", "color": "white", "markerfacecolor": "none", "markeredgewidth": 1.1}
    ax.plot(frame["class"], frame["run"].map(runs), **fixed, **style)


def _names() -> Sequence[tuple[Artist | tuple[Artist, ...], str]]:
    ring, cross = (Line2D([], [], linestyle="none", color=INK, marker=mark, markerfacecolor="none") for mark in "ox")
    first, second = (Patch(color=colour) for colour in VIEWS)

    return [
        (first, "view 0"),
        (second, "view 1"),
        ((first, second), "both"),
        (Patch(facecolor="none", edgecolor=MUTED), "none"),
        (ring, "outside M"),
        (cross, "other than predicted"),
    ]
