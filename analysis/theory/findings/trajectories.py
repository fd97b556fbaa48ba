"""How the strengths of both views of a class grow: the race in one run, class by class."""

import math
from collections.abc import Callable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas, key, logarithmic, stroke
from probes.analysis.study import Study
from probes.analysis.theory.roles import race_features, with_role

__all__ = ["PANELS", "draw", "draw_classes"]

# Classes that are shown of a run, the first ones, and how many stand in a row.
_CLASSES, _COLUMNS = 12, 4
_DRAWN = ["run", "step", "class", "view", "strength", "off_strength"]


def draw(table: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with one line a view, strength against step, and the null in grey.

    Args:
        table: Table of `features`, of one class of one run.
        ax: Where to draw.
        title: What to write above.
        named: Whether to state which line is which.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = race_features(Study(example_study()[-1]))
        >>> draw(table[table["class"] == 2], canvas(4, 3)[1][0]).get_ylabel()
        'strength'
    """
    null = table.groupby("step")["off_strength"].max()
    ax.plot(null.index, null, color=MUTED, linewidth=0.9)
    for view in _views(table):
        part = table[table["view"] == view]
        ax.plot(part["step"], part["strength"], color=VIEWS[view % len(VIEWS)], linewidth=1.6)

    ax.set(xlabel="step", ylabel="strength")
    ax.set_title(title, fontsize=8.5, pad=3)
    logarithmic(ax)
    ax.margins(x=0)
    if named:
        key(ax, _names(table))
    return ax


def draw_classes(table: pd.DataFrame) -> Figure:
    """Return a figure with one panel a class, all with the same axes.

    Args:
        table: Table of `features`, of one run.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> len(draw_classes(race_features(Study(example_study()[-1]))).axes)
        8
    """
    classes = sorted(table["class"].unique())
    columns = min(_COLUMNS, len(classes))
    rows = math.ceil(len(classes) / columns)
    figure, axes = canvas(WIDTH, 0.8 + 1.3 * rows, rows=rows, columns=columns, sharex=True, sharey=True)

    for ax, class_ in zip(axes, classes, strict=False):
        draw(table[table["class"] == class_], ax, title=f"class {class_}", named=False)
        ax.label_outer()
    for ax in axes[len(classes) :]:
        ax.set_axis_off()
    key(figure, _names(table))

    return figure


def _race(role: str, title: str) -> Callable[[Study], Panel | None]:
    def panel(study: Study) -> Panel | None:
        """Return the panel of the first run of a role; None where there is none."""
        logs = [log for variant in with_role(study, role).values() for log in variant]
        if not logs:
            return None

        table = race_features(study)
        table = table[(table["run"] == logs[0].label) & (table["class"] < _CLASSES)]
        caption = (
            f"Strength of every view in run {logs[0].label}, class by class (the first {_CLASSES} at most), "
            "beside the largest strength of the same neurons on a feature of another class."
        )
        return Panel(f"race_{role}".rstrip("_"), title, caption, table[_DRAWN], draw_classes(table))

    return panel


PANELS: Sequence[Callable[[Study], Panel | None]] = (
    _race("single", "The race in a single network"),
    _race("distilled", "The race in a distilled network"),
    _race("", "The race"),
)


def _names(table: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    views = [(stroke(VIEWS[view % len(VIEWS)]), f"view {view}") for view in _views(table)]

    return [*views, (stroke(MUTED, 0.9), "largest on another class (null)")]


def _views(table: pd.DataFrame) -> Sequence[int]:
    return sorted(int(view) for view in table["view"].unique())
