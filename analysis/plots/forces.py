"""What labels and teacher added to features, summed over the steps."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from probes.analysis.plots.canvas import INK, MUTED, VIEWS, broken, canvas, key, stroke

__all__ = ["forces", "forces_beside"]

_COLOURS = (VIEWS[0], VIEWS[1], INK)


def forces(frame: pd.DataFrame, ax: Axes, *, title: str = "", named: bool = True) -> Axes:
    """Return the axes with what each term has added so far: thin, one feature of one run; bold, their median.

    Args:
        frame: Table of `forces`, of runs of one kind and the features that matter.
        ax: Where to draw.
        title: What kind of features these are.
        named: Whether to say which line is which.

    Example:
        >>> from probes.analysis import forces as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> forces(table(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'step'
    """
    ax.axhline(0, color=MUTED, linewidth=0.7)
    for colour, (_, rows) in zip(_COLOURS, frame.groupby("term", observed=True), strict=False):
        wide = rows.pivot_table(index="step", columns=["run", "class", "view"], values="cumulative", observed=True)
        ax.plot(wide.index, wide, color=colour, linewidth=0.5, alpha=0.35)
        ax.plot(wide.index, wide.median(axis=1), color=colour, linewidth=2.2)

    ax.set(xlabel="step", ylabel="added to a feature's strength")
    ax.set_title(title, fontsize=8.5)
    ax.margins(x=0)
    if named:
        key(ax, _names(frame))
    return ax


def forces_beside(kinds: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a figure with one panel for each kind of run.

    Args:
        kinds: Tables of `forces` by what to call them.

    Example:
        >>> from probes.analysis import forces as table
        >>> from probes.analysis.theory.example import example_study
        >>> len(forces_beside({"distilled": table(example_study())}).axes)
        1
    """
    figure, axes = canvas(min(7.6, 2.4 * len(kinds) + 0.6), 2.9, columns=len(kinds))

    for ax, (title, frame) in zip(axes, kinds.items(), strict=True):
        forces(frame, ax, title=broken(title), named=False)
        if ax is not axes[0]:
            ax.set_ylabel("")
    key(figure, _names(next(iter(kinds.values()))))
    return figure


def _names(frame: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    terms = [str(term).replace("_", "-") for term, _ in frame.groupby("term", observed=True)]

    return [(stroke(colour, 2.2), term) for colour, term in zip(_COLOURS, terms, strict=False)]
