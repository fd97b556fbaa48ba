"""Learners side by side: what each kind of network that is made of single models errs, and whether it gains."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED

__all__ = ["LEARNERS", "contrasted", "marks"]

# What each learner is called, by the recipe's `network.kind`.
LEARNERS: Mapping[str, str] = MappingProxyType({
    "patch": "the network",
    "tangent": "its tangent (NTK)",
    "random_features": "random features",
})

_NETWORKS: Mapping[str, str] = MappingProxyType({
    "single": "single models",
    "ensemble": "their ensemble",
    "average": "trained average",
    "distilled": "distilled",
    "self_distilled": "self-distilled",
})
_COLOURS: Mapping[str, str] = MappingProxyType({"gains": GOOD, "unclear": MUTED, "loses": BAD, "": INK})
_MARKS: Mapping[str, str] = MappingProxyType({"gains": "<", "unclear": "o", "loses": ">", "": "D"})
_ROOM = 1.25  # of the largest interval's end: the numbers stand beyond it


def contrasted(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one learner's errors, a row for each kind of network; what gains lies left of the line.

    Marks are means, bars their 95 % intervals. The line and the grey band are the single models'.

    Args:
        frame: The rows of one learner in the table of `contrast`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> row = {"learner": "patch", "networks": "single", "variant": "", "gains": ""}
        >>> table = pd.DataFrame([{**row, "error_mu": 0.5, "low": 0.4, "high": 0.6}])
        >>> contrasted(table, canvas(3, 2)[1][0]).get_title(loc="left")
        'the network'
    """
    reach, heights = _ROOM * float(frame["high"].max()), np.arange(len(frame))
    singles = frame.loc[frame["networks"] == "single", ["low", "error_mu", "high"]]
    for low, mean, high in singles.astype(float).to_numpy().tolist():
        ax.axvspan(low, high, color=MUTED, alpha=0.18, linewidth=0)
        ax.axvline(mean, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)

    for said, part in frame.groupby("gains"):
        colour, places = _COLOURS[str(said)], heights[(frame["gains"] == said).to_numpy()]
        ax.hlines(places, part["low"], part["high"], color=colour, linewidth=1.6)
        ax.plot(part["error_mu"], places, _MARKS[str(said)], color=colour, markersize=6, clip_on=False)
    for place, mean in enumerate(frame["error_mu"].astype(float).tolist()):
        ax.text(reach, place, _number(mean), color=INK, fontsize=8, ha="right", va="center")

    ax.set(ylim=(len(frame) - 0.5, -0.5), xlim=(0, reach), xlabel="test error (units of μ)")
    ax.set_yticks(heights, _names(frame))
    ax.set_title("".join(LEARNERS.get(name, name) for name in frame["learner"].unique()), fontsize=9, loc="left")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def marks(frame: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    """Return the marks of `contrasted` with their names, for `key`.

    Example:
        >>> [name for _, name in marks(pd.DataFrame({"gains": ["", "gains"]}))]
        ['single models', 'gains']
    """
    present = [said for said in _COLOURS if (frame["gains"] == said).any()]

    return [
        (Line2D([], [], color=_COLOURS[said], marker=_MARKS[said], linewidth=1.6), said or "single models")
        for said in ("", *(said for said in present if said))
    ]


def _names(frame: pd.DataFrame) -> list[str]:
    """Return what the rows are called; a variant is named where there are several."""
    several = frame["networks"].duplicated(keep=False)
    pairs = zip(frame["networks"], frame["variant"], several, strict=True)

    return [_NETWORKS[networks] + f" ({variant})" * bool(many) for networks, variant, many in pairs]


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
