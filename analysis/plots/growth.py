"""How the features grow that a run's own initialisation does not win: without a teacher, and with one beside it."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from probes.analysis.plots.canvas import GOOD, INK, MUTED, broken, canvas, key, logarithmic, stroke

__all__ = ["growth", "growth_beside"]

_KINDS = {True: GOOD, False: INK}
_NAMES = (
    (stroke(GOOD, 2.4), "a teacher learned it"),
    (stroke(INK, 2.4), "no teacher learned it"),
    (stroke(MUTED, 1), "largest on another class (null)"),
)


def growth(frame: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with one thin line a feature, strength against step, the medians in bold, the null in grey.

    Features that a teacher learned are green, those that none learned are dark.

    Args:
        frame: Table of `missing_features`, of runs of one kind.
        ax: Where to draw.
        title: What kind of runs these are.
        named: Whether to say which line is which.

    Example:
        >>> from probes.analysis import missing_features
        >>> from probes.analysis.theory.example import example_study
        >>> growth(missing_features(example_study()[-1]), canvas(4, 3)[1][0]).get_ylabel()
        'strength of a missing feature'
    """
    for taught, colour in _KINDS.items():
        group = frame[frame["taught"] == taught]
        wide = group.pivot_table(index="step", columns=["run", "class", "view"], values="strength", observed=True)
        if len(wide):
            ax.plot(wide.index, wide, color=colour, linewidth=0.5, alpha=0.4)
            ax.plot(wide.index, wide.median(axis=1), color=colour, linewidth=2.4)
    null = frame.groupby("step")["off_strength"].max()
    ax.plot(null.index, null, color=MUTED, linewidth=1)

    ax.set(xlabel="step", ylabel="strength of a missing feature")
    ax.set_title(title, fontsize=8.5)
    logarithmic(ax)
    ax.margins(x=0)
    if named:
        key(ax, _NAMES)
    return ax


def growth_beside(kinds: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a figure with one panel for each kind of run, on one strength axis.

    Args:
        kinds: Tables of `missing_features` by what to call the runs, those without teacher first.

    Example:
        >>> from probes.analysis import missing_features
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> kinds = {"single": missing_features(logs[-5:]), "distilled": missing_features(logs[1], logs)}
        >>> len(growth_beside(kinds).axes)
        2
    """
    figure, axes = canvas(min(7.6, 2.4 * len(kinds) + 0.6), 3.1, columns=len(kinds), sharey=True)

    for ax, (title, frame) in zip(axes, kinds.items(), strict=True):
        growth(frame, ax, title=broken(title), named=False)
        ax.label_outer()
    key(figure, _NAMES)
    return figure
