"""What a class still sees without the neurons credited with a view: before and after, beside the control."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.columns import ROLES, variant_order
from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, key, stroke

__all__ = ["deletion", "deletion_rates"]

_STATES = ("control", "before", "after")
_LABELS = ("other view's", "none", "credited")


def deletion(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with three dots a view, joined: accuracy under the control, with all neurons, without its own.

    Views that a run learned are blue, those that it did not learn grey; the means of both are bold. A credit that is
    causal runs flat from the left to the middle and falls to the right.

    Args:
        frame: Table of `deletion`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import deletion as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> deletion(table(example_study()), canvas(4, 3)[1][0]).get_ylabel()
        'accuracy where the view alone is shown'
    """
    shift = np.random.default_rng(0).uniform(-0.09, 0.09, len(frame))
    for known, colour in ((False, MUTED), (True, VIEWS[0])):
        chosen = (frame["learned"] == known).to_numpy(dtype=bool)
        values = frame.loc[chosen, list(_STATES)].to_numpy(dtype=float).T
        if values.size:
            places = np.arange(3)[:, None] + shift[chosen]
            ax.plot(places, values, "-o", color=colour, linewidth=0.5, markersize=2.2, alpha=0.35, markeredgewidth=0)
            ax.plot(np.arange(3), np.nanmean(values, axis=1), "-o", color=colour, linewidth=2.6, markersize=6)

    ax.set_xticks(range(3), _LABELS)
    ax.set(xlim=(-0.3, 2.3), ylim=(-0.03, 1.03), ylabel="accuracy where the view alone is shown")
    ax.set_xlabel("which neurons of the class are muted")
    key(ax, [(stroke(VIEWS[0], 2.4), "learned"), (stroke(MUTED, 2.4), "not learned")])
    return ax


def deletion_rates(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a role (and variant): accuracies on learned views by what was muted, 95 % bars.

    Args:
        frame: Table of `deletion_rates`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import deletion as table, deletion_rates as rates
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> deletion_rates(rates(table(example_study())), canvas(4, 3)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    shown = frame[frame["learned"].astype(bool)]
    kinds = sorted(set(zip(shown["role"], shown["variant"], strict=True)), key=_place)
    marks = {"none": (INK, "|"), "other view": (VIEWS[0], "o"), "credited": (BAD, "X")}

    for muted, (colour, marker) in marks.items():
        part = shown[shown["muted"] == muted]
        rows = [kinds.index(kind) for kind in zip(part["role"], part["variant"], strict=True)]
        ax.hlines(rows, part["low"], part["high"], color=colour, linewidth=1.4)
        ax.plot(part["accuracy"], rows, marker, color=colour, markersize=11 if marker == "|" else 6, clip_on=False)

    ax.set_yticks(range(len(kinds)), [f"{role}\n({variant})" if variant else role for role, variant in kinds])
    ax.set(xlim=(-0.02, 1.02), ylim=(len(kinds) - 0.5, -0.5), xlabel="accuracy on learned views")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    names = {"none": "none muted", "other view": "other's muted", "credited": "own muted"}
    lines = {muted: ax.plot([], [], marker, color=colour)[0] for muted, (colour, marker) in marks.items()}
    key(ax, [(lines[muted], names[muted]) for muted in marks])
    return ax


def _place(kind: tuple[str, str]) -> tuple[int, int, str]:
    role, variant = kind

    return (ROLES.index(role) if role in ROLES else len(ROLES), *variant_order(role, variant))
