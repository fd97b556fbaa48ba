"""The correlation of every neuron with every feature at one step, as a matrix of colours."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from probes.analysis.plots.canvas import INK, VIEWS
from probes.analysis.replay import Scale

__all__ = ["cells", "matrix"]

# Nothing where there is no correlation, so that the matrix reads on a page of any colour.
_COLOURS = LinearSegmentedColormap.from_list(
    "correlation", [to_rgba(VIEWS[0]), to_rgba(VIEWS[0], 0), to_rgba(VIEWS[1], 0), to_rgba(VIEWS[1])], N=255
)
_NEURON = ["class", "neuron"]
_FEATURE = ["feature_class", "view"]


def matrix(frame: pd.DataFrame, ax: Axes, *, scale: Scale) -> Axes:
    """Return the axes with a row for every neuron of every class and a column for every feature.

    Blue is negative, orange positive. A frame stands around what is a class's own.

    Args:
        frame: Columns class, neuron, feature_class, view and correlation, of one run at one step.
        ax: Where to draw.
        scale: How a correlation becomes a colour.

    Example:
        >>> import itertools
        >>> from probes.analysis.plots import canvas
        >>> cells = pd.DataFrame(itertools.product(range(2), range(3), range(2), range(2)), columns=_NEURON + _FEATURE)
        >>> ax = matrix(cells.assign(correlation=0.1), canvas(4, 3)[1][0], scale=Scale(0.01, 1))
        >>> ax.get_images()[0].get_array().shape
        (6, 4)
    """
    wide = frame.pivot_table(index=_NEURON, columns=_FEATURE, values="correlation", sort=True)
    classes = wide.index.get_level_values(0).nunique()
    neurons, views = len(wide) // classes, wide.shape[1] // classes
    cells(wide.to_numpy(), ax, scale=scale)
    for one in range(classes):
        corner = (one * views - 0.5, one * neurons - 0.5)
        ax.add_patch(Rectangle(corner, views, neurons, fill=False, edgecolor=INK, linewidth=0.5))
    middles, names = np.arange(classes) + 0.5, [str(one) for one in range(classes)]
    ax.set_xticks(middles * views - 0.5, names)
    ax.set_yticks(middles * neurons - 0.5, names)
    ax.set(xlabel="class of the feature, its views side by side", ylabel="class, its neurons below each other")
    ax.tick_params(length=0)
    return ax


def cells(values: np.ndarray, ax: Axes, *, scale: Scale) -> Axes:
    """Return the axes with a cell for each value, negative ones blue and positive ones orange, and a bar beside them.

    Args:
        values: ``(row, column)``.
        ax: Where to draw.
        scale: How a correlation becomes a colour.

    Example:
        >>> from probes.analysis.plots import canvas
        >>> cells(np.ones((2, 3)), canvas(4, 3)[1][0], scale=Scale(0.01, 1)).get_images()[0].get_array().shape
        (2, 3)
    """
    codes = scale.codes(values)
    drawn = ax.imshow(codes, cmap=_COLOURS, vmin=-127, vmax=127, aspect="auto", interpolation="nearest")
    ax.tick_params(length=0)
    _named(ax, drawn, scale)
    return ax


def _named(ax: Axes, drawn: AxesImage, scale: Scale) -> None:
    """Set a bar beside the axes that says which colour is which correlation."""
    decades = np.array([scale.linear, np.sqrt(scale.linear * scale.largest), scale.largest])
    values = np.concatenate([-decades[::-1], [0], decades])
    bar = ax.figure.colorbar(drawn, ax=ax, ticks=scale.codes(values).tolist(), aspect=40, pad=0.01)

    bar.ax.set_yticklabels([f"{value:.1g}".replace("-", "\N{MINUS SIGN}") for value in values], fontsize=7)
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
