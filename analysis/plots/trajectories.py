"""How the strengths of both views of a class grow: one class, or all classes of a run as small multiples."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from probes.analysis.plots.canvas import MUTED, VIEWS, canvas, key, logarithmic, stroke

__all__ = ["trajectories", "trajectory_grid"]

_COLUMNS = 4


def trajectories(frame: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with one line a view, strength against step, and the null in grey.

    Args:
        frame: Table of `features`, of one class of one run.
        ax: Where to draw.
        title: What to write above.
        named: Whether to say which line is which.

    Example:
        >>> from probes.analysis import features
        >>> from probes.analysis.theory.example import example_study
        >>> table = features(example_study()[-1])
        >>> trajectories(table[table["class"] == 2], canvas(4, 3)[1][0]).get_ylabel()
        'strength'
    """
    null = frame.groupby("step")["off_strength"].max()
    ax.plot(null.index, null, color=MUTED, linewidth=0.9)
    for view in _views(frame):
        part = frame[frame["view"] == view]
        ax.plot(part["step"], part["strength"], color=VIEWS[view % len(VIEWS)], linewidth=1.6)

    ax.set(xlabel="step", ylabel="strength")
    ax.set_title(title, fontsize=8.5, pad=3)
    logarithmic(ax)
    ax.margins(x=0)
    if named:
        key(ax, _names(frame))
    return ax


def trajectory_grid(frame: pd.DataFrame) -> Figure:
    """Return a figure with one panel a class, all with the same axes.

    Args:
        frame: Table of `features`, of one run.

    Example:
        >>> from probes.analysis import features
        >>> from probes.analysis.theory.example import example_study
        >>> len(trajectory_grid(features(example_study()[-1])).axes)
        8
    """
    classes = sorted(frame["class"].unique())
    columns = min(_COLUMNS, len(classes))
    rows = math.ceil(len(classes) / columns)
    figure, axes = canvas(7.6, 0.8 + 1.3 * rows, rows=rows, columns=columns, sharex=True, sharey=True)

    for ax, class_ in zip(axes, classes, strict=False):
        trajectories(frame[frame["class"] == class_], ax, title=f"class {class_}", named=False)
        ax.label_outer()
    for ax in axes[len(classes) :]:
        ax.set_axis_off()
    key(figure, _names(frame))

    return figure


def _names(frame: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    views = [(stroke(VIEWS[view % len(VIEWS)]), f"view {view}") for view in _views(frame)]

    return [*views, (stroke(MUTED, 0.9), "largest on another class (null)")]


def _views(frame: pd.DataFrame) -> Sequence[int]:
    return sorted(int(view) for view in frame["view"].unique())
