"""Of the features that only a teacher had, how many each student took over, a dot for each teacher."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, VIEWS, key

__all__ = ["lessons", "rises"]

_MARKS = (("o", VIEWS[0]), ("s", VIEWS[1]), ("D", GOOD), ("^", BAD), ("v", INK))


def lessons(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a student: the share taken over from each teacher, and the null.

    Where a student had one teacher the line is the share's interval, else it goes from the least to the largest share.

    Args:
        frame: Table of `lessons`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import lessons as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> logs = example_study()
        >>> lessons(table(logs[1:4], logs), canvas(6, 4)[1][0]).get_xlabel()
        'share taken over'
    """
    names, told, place = [], [], frame["run"].map({run: row for row, run in enumerate(frame["run"].unique())})
    for row, part in frame.groupby(place, sort=True):
        one = len(part) == 1
        ax.hlines(row, part["low" if one else "share"].min(), part["high" if one else "share"].max(), color=GOOD)
        names.append(_name(part))
        told.append(f"{part['taken_over'].sum()} of {part['lacked'].sum()}")
    (dots,) = ax.plot(frame["share"], place, "o", color=GOOD, markersize=5, alpha=0.7, clip_on=False)
    (null,) = ax.plot(frame["null"], place, "|", color=MUTED, markersize=11, markeredgewidth=2, clip_on=False)

    ax.set_yticks(range(len(names)), names, fontsize=7.5)
    ax.set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.4, -0.6), xlabel="share taken over")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(told)), told)
    right.spines["right"].set_visible(False)
    right.tick_params(length=0, labelcolor=INK, labelsize=8)
    key(ax, [(dots, "of what a teacher had and the student lacked"), (null, "without a teacher")])
    return ax


def rises(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one dot a taught feature: when it counted as learned first, and how steeply it rose.

    Args:
        frame: Table of `growth`; features that are own, not taught or not learned are not drawn.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import growth
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> logs = example_study()
        >>> rises(growth(logs[1], logs), canvas(4, 3)[1][0]).get_ylabel()
        'steps from 10 % to 50 %'
    """
    shown = frame[~frame["own"].astype(bool) & frame["taught"].astype(bool) & frame["learned"].astype(bool)]
    for place, (kind, part) in enumerate(shown.groupby(["role", "variant"], sort=False, observed=True)):
        name = " ".join(word for word in map(str, kind) if word)
        steps = part["first_step"].astype(float)
        marker, colour = _MARKS[place % len(_MARKS)]
        ax.plot(steps, part["rise"].astype(float), marker, color=colour, markersize=4.5, alpha=0.7, label=name)

    ax.set(xlabel="first step above the threshold", ylabel="steps from 10 % to 50 %")
    ax.set_xscale("symlog", linthresh=10)
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(bottom=-0.2)
    if len(shown):
        ax.legend(frameon=False, fontsize=8, labelcolor=INK, handletextpad=0.2)
    return ax


def _name(rows: pd.DataFrame) -> str:
    teachers = f"{len(rows)} teachers" if len(rows) > 1 else _short(rows["teacher"].iloc[0])

    return f"{_short(rows['run'].iloc[0])} from {teachers}"


def _short(run: str) -> str:
    """Return a run's name without the hash of its specification."""
    head, _, tail = run.rpartition("-")

    return head if head and len(tail) == 8 else run
