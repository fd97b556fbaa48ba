"""How far correlations that are to stay small ever came, in units of the initialisation's scale."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, key, stroke

__all__ = ["bounds"]

_NAMES = {
    "losing_view": "losing view of a winner",
    "off_class": "other classes' features",
    "negative": "below zero",
    "not_kept_alive": "neurons not kept alive",
}


def bounds(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a bound and one dot a class of a run: its largest value at any step, and the bound.

    Grey dots are the same at step 0; a red cross is beyond the bound. Classes that never came above 0 are not drawn.

    Args:
        frame: Table of `bounds`; the balance at the end is not drawn.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import bounds as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> bounds(table(example_study()[-1]), canvas(6, 3)[1][0]).get_xscale()
        'log'
    """
    shift = np.random.default_rng(0).uniform(0.08, 0.3, len(frame))
    for row, bound in enumerate(_NAMES):
        chosen = ((frame["bound"] == bound) & (frame["largest"] > 0)).to_numpy(dtype=bool)
        part, above = frame[chosen], shift[chosen]
        inside = part["inside"].to_numpy(dtype=bool)
        started = (part["null"] > 0).to_numpy(dtype=bool)
        ax.plot(part["null"][started], row + above[started], "o", color=MUTED, markersize=2.5, alpha=0.6)
        ax.plot(part["largest"][inside], row - above[inside], "o", color=VIEWS[0], markersize=3.5, alpha=0.6)
        ax.plot(part["largest"][~inside], row - above[~inside], "X", color=BAD, markersize=6)
        ax.vlines(part["allowed"].unique(), row - 0.38, row + 0.1, color=INK, linewidth=1.6)

    ax.set_xscale("log")
    ax.set_yticks(range(len(_NAMES)), list(_NAMES.values()))
    ax.set(ylim=(len(_NAMES) - 0.5, -0.6), xlabel="largest value (units of $\\sigma_0$)")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    dots = [ax.plot([], [], marker, color=colour)[0] for marker, colour in (("o", VIEWS[0]), ("o", MUTED), ("X", BAD))]
    names = ("at any step", "at step 0", "beyond the bound")
    key(ax, [*zip(dots, names, strict=True), (stroke(INK), "the bound")])
    return ax
