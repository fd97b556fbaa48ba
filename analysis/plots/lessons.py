"""Of the features that only a teacher had, how many each student took over, teacher by teacher."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, VIEWS, key

__all__ = ["lessons", "rises"]

_MARKS = (("o", VIEWS[0]), ("s", VIEWS[1]), ("D", GOOD), ("^", BAD), ("v", INK))


def lessons(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a (student, teacher): the share taken over with its interval, and the null.

    Args:
        frame: Table of `lessons`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import lessons as table
        >>> from probes.analysis.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> logs = example_study()
        >>> lessons(table(logs[1:4], logs), canvas(6, 4)[1][0]).get_xlabel()
        'share taken over'
    """
    rows = range(len(frame))
    ax.hlines(rows, frame["low"], frame["high"], color=GOOD, linewidth=1.4)
    (dots,) = ax.plot(frame["share"], rows, "o", color=GOOD, markersize=5, clip_on=False)
    (null,) = ax.plot(frame["null"], rows, "|", color=MUTED, markersize=11, markeredgewidth=2, clip_on=False)
    for row, (taken, lacked) in enumerate(zip(frame["taken_over"], frame["lacked"], strict=True)):
        ax.annotate(f"{taken} of {lacked}", (1.03, row), va="center", color=INK, fontsize=8, annotation_clip=False)

    names = zip(frame["run"], frame["teacher"], strict=True)
    ax.set_yticks(list(rows), [f"{_short(run)} from {_short(teacher)}" for run, teacher in names], fontsize=7.5)
    ax.set(xlim=(-0.02, 1.02), ylim=(len(frame) - 0.4, -0.6), xlabel="share taken over")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    key(ax, [(dots, "of what the teacher had and the student lacked, 95 %"), (null, "without a teacher")])
    return ax


def rises(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one dot a taught feature: when it counted as learned first, and how steeply it rose.

    Args:
        frame: Table of `growth`; features that are own, not taught or not learned are not drawn.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import growth
        >>> from probes.analysis.example import example_study
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


def _short(run: str) -> str:
    """Return a run's name without the hash of its specification."""
    head, _, tail = run.rpartition("-")

    return head if head and len(tail) == 8 else run
