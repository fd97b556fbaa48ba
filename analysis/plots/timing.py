"""When features are learned: against the predicted escape time, and within the phases of each run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.plots.canvas import GOOD, INK, MUTED, VIEWS, key

__all__ = ["escape", "phases"]

_PHASES = ((MUTED, "race"), (VIEWS[0], "growth"), (GOOD, "memorisation"))


def escape(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with measured crossing against predicted escape time, one dot a feature, and the diagonal.

    Args:
        frame: Table of `timing`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import timing
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> escape(timing(example_study()[-1]), canvas(3, 3)[1][0]).get_ylabel()
        'learned at step'
    """
    shown = frame[["escape_time", "crossing", "crossing_after"]].dropna().astype(float)
    reach = 1.08 * max(1.0, shown[["escape_time", "crossing"]].max().max()) if len(shown) else 1.0

    ax.plot([0, reach], [0, reach], color=MUTED, linewidth=1)
    ax.vlines(shown["escape_time"], shown["crossing_after"], shown["crossing"], color=VIEWS[0], linewidth=1)
    ax.plot(shown["escape_time"], shown["crossing"], "o", color=VIEWS[0], alpha=0.6, markersize=4, markeredgewidth=0)

    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")
    ax.set(xlabel="predicted escape time $T_0$ (steps)", ylabel="learned at step")
    return ax


def phases(frame: pd.DataFrame, ax: Axes, *, crossings: pd.DataFrame | None = None) -> Axes:
    """Return the axes with one bar a run, coloured by phase, and a tick for every feature that is learned for good.

    Args:
        frame: Table of `phases`.
        ax: Where to draw.
        crossings: Table of `timing`, for the ticks.

    Example:
        >>> from probes.analysis import phases as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> len(phases(table(example_study()), canvas(6, 3)[1][0]).get_yticks())
        9
    """
    ends = frame[["race_end", "growth_end", "last_step"]].astype(float).to_numpy()
    for row, run in enumerate(frame["run"]):
        _bar(ax, row, ends[row])
        if crossings is not None:
            steps = crossings.loc[crossings["run"] == run, "crossing"].dropna().astype(float)
            ax.plot(steps, [row] * len(steps), "|", color=INK, markersize=9, markeredgewidth=0.9)

    ax.set_yticks(range(len(frame)), list(frame["run"]))
    ax.set(ylim=(len(frame) - 0.5, -0.5), xlabel="step")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.01)
    tick = Line2D([], [], linestyle="none", marker="|", color=INK, markersize=9)
    key(
        ax,
        [
            *((Patch(color=colour, alpha=0.45, linewidth=0), name) for colour, name in _PHASES),
            (tick, "a feature is learned"),
        ],
    )
    return ax


def _bar(ax: Axes, row: int, ends: np.ndarray) -> None:
    """Draw the phases; one whose end is not known, or does not come after the one before, reaches to the next."""
    start = 0.0
    for place, (colour, _) in enumerate(_PHASES):
        known = ends[place:][np.isfinite(ends[place:])]
        end = max(start, float(known[0]))
        ax.barh(row, end - start, left=start, height=0.62, color=colour, alpha=0.45, linewidth=0)
        start = end
