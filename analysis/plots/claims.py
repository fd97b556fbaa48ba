"""Every claim as a dot with its interval, on the range in which it is expected."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, key

__all__ = ["claims"]

_LEFT, _RIGHT = -0.25, 1.05


def claims(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a claim: expected range as a grey band, measured value and 95 % interval.

    A claim that holds has a green dot, one that does not a red cross. What lies beyond -0.25 or 1.05 is drawn there.

    Args:
        frame: Table of `claims`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis import claims as table
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis.plots import canvas
        >>> claims(table(example_study()), canvas(8, 4)[1][0]).get_yticklabels()[0].get_text()
        'single.train_error'
    """
    low, high = frame["expected_low"].clip(lower=_LEFT), frame["expected_high"]
    ax.barh(range(len(frame)), high - low, left=low, height=0.5, color=MUTED, alpha=0.35, linewidth=0)
    for holds, (colour, marker) in {True: (GOOD, "o"), False: (BAD, "X")}.items():
        rows = [row for row, held in enumerate(frame["holds"]) if held == holds]
        part = frame.iloc[rows]
        ax.hlines(rows, part["low"], part["high"], color=colour, linewidth=1.4)
        ax.plot(part["measured"].clip(_LEFT, _RIGHT), rows, marker, color=colour, markersize=6, clip_on=False)

    variants = zip(frame["claim"], frame["variant"], strict=True)
    ax.set_yticks(range(len(frame)), [f"{claim} ({variant})" if variant else claim for claim, variant in variants])
    ax.set(xlim=(_LEFT, _RIGHT), ylim=(len(frame) - 0.4, -0.6), xlabel="error or gain in units of μ, or share")
    ax.axvline(0, color=INK, linewidth=0.5, zorder=0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    key(ax, _names())
    return ax


def _names() -> Sequence[tuple[Artist, str]]:
    return [
        (Patch(facecolor=MUTED, alpha=0.35), "expected"),
        (Line2D([], [], color=GOOD, marker="o", linewidth=1.4), "measured, 95 % interval: holds"),
        (Line2D([], [], color=BAD, marker="X", linewidth=1.4), "does not hold"),
    ]
