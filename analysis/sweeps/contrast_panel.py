"""The panel that sets learners side by side, in the report of a sweep of `network.kind`."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, canvas, key
from probes.analysis.plots.marks import rows_named
from probes.analysis.sweeps.contrast import contrast

__all__ = ["contrast_panel", "draw", "marks"]

# What each learner is called, by the recipe's `network.kind`.
_LEARNERS: Mapping[str, str] = MappingProxyType({
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

_WIDTH = 7.2  # inches: two columns of a paper's page
_CAPTION = (
    "Test error in units of μ, a panel for each learner, each on its own scale: left of the dashed line, the single "
    "models' mean (band: its interval), is a gain. Means over seeds; bars: 95 % intervals, Student's t over three "
    "seeds or more, else from the studies' own. A gain or loss is unclear where its interval, seed by seed, contains 0."
)


def contrast_panel(frame: pd.DataFrame) -> Iterator[Panel]:
    """Yield the panel of `contrast`; none where nothing was measured.

    Args:
        frame: Table of `maps` of a sweep that varies `network.kind`.
    """
    table = contrast(frame)
    if table.empty:
        return
    parts = [part for _, part in table.groupby("learner", sort=False)]
    sizes = [len(part) for part in parts]
    figure, axes = canvas(_WIDTH, 1.15 + 0.24 * max(sizes), columns=len(parts), sharey=len({*sizes}) == 1)
    for ax, part in zip(axes, parts, strict=True):
        draw(part, ax)
    key(figure, marks(table))

    yield Panel("contrast", "What ensembles, averages and distillation gain", _CAPTION, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one learner's errors, a row for each kind of network; what gains lies left of the line.

    Marks are means, bars their 95 % intervals. The line and the grey band are the single models'.

    Args:
        frame: The rows of one learner in the table of `contrast`.
        ax: Where to draw.

    Example:
        >>> row = {"learner": "patch", "networks": "single", "variant": "", "gains": ""}
        >>> table = pd.DataFrame([{**row, "error_mu": 0.5, "low": 0.4, "high": 0.6}])
        >>> draw(table, canvas(3, 2)[1][0]).get_title(loc="left")
        'the network'
    """
    reach, heights = _ROOM * float(frame["high"].max()), np.arange(len(frame))
    singles = frame.loc[frame["networks"] == "single", ["low", "error_mu", "high"]]
    for low, mean, high in singles.astype(float).to_numpy().tolist():
        ax.axvspan(low, high, color=MUTED, alpha=0.18, linewidth=0)
        ax.axvline(mean, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)

    for verdict, part in frame.groupby("gains"):
        colour, places = _COLOURS[str(verdict)], heights[(frame["gains"] == verdict).to_numpy()]
        ax.hlines(places, part["low"], part["high"], color=colour, linewidth=1.6)
        ax.plot(part["error_mu"], places, _MARKS[str(verdict)], color=colour, markersize=6, clip_on=False)
    for place, mean in enumerate(frame["error_mu"].astype(float).tolist()):
        ax.text(reach, place, _number(mean), color=INK, fontsize=8, ha="right", va="center")

    ax.set(xlim=(0, reach), xlabel="test error (units of μ)")
    rows_named(ax, _names(frame))
    ax.set_title("".join(_LEARNERS.get(name, name) for name in frame["learner"].unique()), fontsize=9, loc="left")
    return ax


def marks(frame: pd.DataFrame) -> Sequence[tuple[Line2D, str]]:
    """Return the marks of `contrasted` with their names, for `key`.

    Example:
        >>> [name for _, name in marks(pd.DataFrame({"gains": ["", "gains"]}))]
        ['single models', 'gains']
    """
    present = [verdict for verdict in _COLOURS if verdict and (frame["gains"] == verdict).any()]

    return [
        (Line2D([], [], color=_COLOURS[verdict], marker=_MARKS[verdict], linewidth=1.6), verdict or "single models")
        for verdict in ("", *present)
    ]


def _names(frame: pd.DataFrame) -> list[str]:
    """Return what the rows are called; a variant is named where there are several."""
    several = frame["networks"].duplicated(keep=False)
    pairs = zip(frame["networks"], frame["variant"], several, strict=True)

    return [_NETWORKS[networks] + f" ({variant})" * bool(many) for networks, variant, many in pairs]


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
