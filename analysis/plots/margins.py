"""How near each race was, and how far the loser came; what was predicted and learned; which neurons carry it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, key, logarithmic, stroke
from probes.analysis.theory.findings.margins import escape_factor

__all__ = ["confusion", "kept_alive", "margins"]

_PREDICTED = ("view 0", "view 1", "none")
_OUTCOMES = ("view 0", "view 1", "both", "none")


def margins(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the growth of the losing peak against the ratio at initialisation, and the escape curve.

    Args:
        frame: Table of `margins`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import margins as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> margins(table(example_study()[-1]), canvas(4, 3)[1][0]).get_yscale()
        'log'
    """
    ratio = np.linspace(0, min(0.999, frame["ratio"].max()), 200)
    for name, colour, rows in _by_outcome(frame):
        ax.plot(rows["ratio"], rows["growth"], "o", color=colour, markersize=4, alpha=0.75, label=name)
    ax.plot(frame["ratio"], frame["null"], ".", color=MUTED, markersize=3)
    for q in frame["q"].unique():
        ax.plot(ratio, escape_factor(ratio, int(q)), color=INK, linewidth=1.2)

    ax.set(xlabel="losing over leading peak at step 0, adjusted", ylabel="losing peak, last over first step")
    ax.set_xlim(0, 1.02)
    logarithmic(ax)
    found = [(_dot(colour), name) for name, colour, rows in _by_outcome(frame) if len(rows)]
    key(ax, [*found, (stroke(INK, 1.2), "theory"), (_dot(MUTED), "another class (null)")], columns=3)
    return ax


def confusion(frame: pd.DataFrame, ax: Axes, *, title: str = "") -> Axes:
    """Return the axes with one cell a (predicted, learned): the number of classes, as dark as its share of the row.

    Args:
        frame: Table of `confusion`, of one prediction.
        ax: Where to draw.
        title: What to write above.

    Example:
        >>> from probes.analysis import confusion as table, winners
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> found = table(winners(example_study()[-1]))
        >>> confusion(found[found["prediction"] == "in M"], canvas(3, 3)[1][0]).get_xlabel()
        'learned'
    """
    rows = [predicted for predicted in _PREDICTED if predicted in set(frame["predicted"])]
    for predicted, learned, count, share in frame[["predicted", "learned", "count", "share"]].itertuples(index=False):
        x, y = _OUTCOMES.index(learned), rows.index(predicted)
        right = predicted == learned != "none"
        ax.fill_between([x - 0.47, x + 0.47], y - 0.47, y + 0.47, color=VIEWS[0], alpha=0.75 * share, linewidth=0)
        ax.text(
            x, y, str(count), ha="center", va="center", fontsize=8.5, color=INK, weight="bold" if right else "normal"
        )

    ax.set(xlim=(-0.5, 3.5), ylim=(len(_PREDICTED) - 0.5, -0.5), aspect="equal", xlabel="learned", ylabel="predicted")
    ax.set_xticks(range(4), _OUTCOMES)
    ax.set_yticks(range(len(rows)), ["outside M" if row == "none" else row for row in rows])
    ax.set_title(title, fontsize=8.5)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def kept_alive(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a kind of run: the share that neurons kept alive carry of every learned feature.

    Args:
        frame: Table of `kept_alive`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import kept_alive as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> kept_alive(table(example_study()[-1]), canvas(4, 2)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    won = frame[frame["learned"].astype(bool)]
    kinds = list(won.groupby(["role", "variant"], observed=True))

    for row, (_, features) in enumerate(kinds):
        spread = row + np.linspace(-0.22, 0.22, len(features))
        ax.plot(features["carried"], spread, "o", color=VIEWS[0], alpha=0.5, markersize=4, markeredgewidth=0)
        ax.plot(features["carried_by_first"], spread, ".", color=VIEWS[1], alpha=0.7, markersize=3)
        ax.plot(features["null"].mean(), row, "|", color=MUTED, markersize=22, markeredgewidth=1.6)

    names = [f"{role} ({variant})" if str(variant) else str(role) for (role, variant), _ in kinds]
    ax.set_yticks(range(len(kinds)), names)
    ax.set(ylim=(len(kinds) - 0.5, -0.5), xlim=(-0.02, 1.03), xlabel="share of a feature's final strength")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    key(
        ax,
        [
            (_dot(VIEWS[0]), "neurons kept alive"),
            (_dot(VIEWS[1]), "strongest at step 0"),
            (Line2D([], [], linestyle="none", marker="|", color=MUTED, markeredgewidth=1.6), "random neurons (null)"),
        ],
    )
    return ax


def _by_outcome(frame: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Split classes by what was learned: the predicted view alone, both, or another outcome."""
    predicted = "view " + (1 - frame["view"].astype(int)).astype(str)
    agrees, both = frame["learned"] == predicted, frame["learned"] == "both"
    kinds = {"as predicted": agrees, "both learned": both, "another outcome": ~agrees & ~both}

    return [(name, colour, frame[chosen]) for colour, (name, chosen) in zip((*VIEWS, BAD), kinds.items(), strict=True)]


def _dot(colour: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", markersize=4, color=colour, markeredgewidth=0)
