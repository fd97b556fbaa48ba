"""Noise that is learned by heart beside features that stand still, and training error against coverage."""

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.plots.canvas import INK, MUTED, VIEWS, key, stroke

__all__ = ["error_against_coverage", "memorisation"]

_LINES = (
    ("strength", INK, "features"),
    ("noise_multi_view", VIEWS[0], "noise of multi-view samples"),
    ("noise_single_view", VIEWS[1], "noise of single-view samples"),
    ("off_strength", MUTED, "other classes' features (null)"),
)


def memorisation(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with features and noise over steps, each as a share of its value at its run's last step.

    The null, features of other classes, is drawn on the scale of the features. Thin: one run; bold: the median; dotted:
    where phase III begins, the median over runs.

    Args:
        frame: Table of `memorisation`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import memorisation as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> memorisation(table(example_study()[-1]), canvas(4, 3)[1][0]).get_xlabel()
        'step'
    """
    last = frame.groupby("run", observed=True)[["strength", "noise_multi_view", "noise_single_view"]].transform("last")
    for name, colour, _ in _LINES:
        whole = last["strength" if name == "off_strength" else name]
        shares = frame.assign(share=frame[name] / whole)
        wide = shares.pivot_table(index="step", columns="run", values="share", observed=True).interpolate("index")
        ax.plot(wide.index, wide, color=colour, linewidth=0.5, alpha=0.4)
        ax.plot(wide.index, wide.median(axis=1), color=colour, linewidth=2.2)

    begins = frame[frame["phase"] == "memorisation"].groupby("run", observed=True)["step"].min().median()
    if pd.notna(begins):
        ax.axvline(begins, color=INK, linewidth=0.8, linestyle=":")

    ax.set(xlabel="step", ylabel="share of its last value", ylim=(-0.02, 1.05))
    ax.margins(x=0)
    key(ax, [(stroke(colour, 2.2), name) for _, colour, name in _LINES], columns=2)
    return ax


def error_against_coverage(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with training error against the share of features learned, one path a run.

    Args:
        frame: Table of `memorisation`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import memorisation as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> error_against_coverage(table(example_study()[-1]), canvas(4, 3)[1][0]).get_xlabel()
        'share of features learned'
    """
    colours = {"race": MUTED, "growth": VIEWS[0], "memorisation": VIEWS[1]}
    for _, rows in frame.groupby("run", observed=True):
        ax.plot(rows["coverage"], rows["train_error"], color=MUTED, linewidth=0.6)
    for phase, colour in colours.items():
        rows = frame[frame["phase"] == phase]
        ax.plot(rows["coverage"], rows["train_error"], "o", color=colour, markersize=4, alpha=0.7, markeredgewidth=0)

    ax.set(xlabel="share of features learned", ylabel="training error", xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    key(ax, [(stroke(colour, 4), phase) for phase, colour in colours.items()])
    return ax
