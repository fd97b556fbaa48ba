"""How often each class's first view was won, beside the chance that the initialisation's lottery gives it."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import INK, MUTED, VIEWS, key, stroke

__all__ = ["lottery"]


def lottery(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one column a class: chance of view 0 from the runs with its interval, and by the lottery.

    Args:
        frame: Table of `lottery`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import lottery as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> lottery(table(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'class'
    """
    first = frame[frame["view"] == 0]
    ax.axhline(0.5, color=MUTED, linewidth=1)
    ax.vlines(first["class"], first["low"], first["high"], color=VIEWS[0], linewidth=1.4)
    (dots,) = ax.plot(first["class"], first["probability"], "o", color=VIEWS[0], markersize=4.5)
    (shares,) = ax.plot(first["class"], first["won"] / first["runs"], "o", color=VIEWS[0], markersize=4, mfc="none")
    (ticks,) = ax.plot(first["class"], first["lottery"], "_", color=INK, markersize=10, markeredgewidth=1.8)

    ax.set(xlabel="class", ylabel="chance that view 0 is learned", ylim=(-0.03, 1.03))
    names = ("from the runs, 95 %", "share of the runs", "lottery of the initialisation")
    key(ax, [*zip((dots, shares, ticks), names, strict=True), (stroke(MUTED), "fair coin")])
    return ax
