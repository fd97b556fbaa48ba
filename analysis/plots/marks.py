"""The few marks that figures of findings share: rows, intervals, thin lines with a median, the diagonal, cells."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from probes.analysis.plots.canvas import MUTED

__all__ = ["cell_axes", "diagonal", "dot", "intervals", "members_axis", "rows_named", "thin_lines"]


def dot(colour: str, *, size: float = 4) -> Line2D:
    """Return a dot as a mark for `probes.analysis.plots.canvas.key`.

    Example:
        >>> dot("black").get_marker()
        'o'
    """
    return Line2D([], [], linestyle="none", marker="o", markersize=size, color=colour, markeredgewidth=0)


def rows_named(ax: Axes, names: Sequence[str], *, edge: float = 0.5, **options: Any) -> None:
    """Name one row for each entry, the first at the top, without spine and ticks.

    Args:
        ax: Where the rows are.
        names: What they are called.
        edge: What is left above the first and below the last row, of a row.
        options: Handed to the labels, such as ``fontsize=7``.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> rows_named(ax, ["single", "distilled"])
        >>> [label.get_text() for label in ax.get_yticklabels()], ax.get_ylim()
        (['single', 'distilled'], (np.float64(1.5), np.float64(-0.5)))
    """
    ax.set_yticks(range(len(names)), list(names), **options)
    ax.set_ylim(len(names) - 1 + edge, -edge)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def members_axis(ax: Axes, most: int) -> None:
    """Have the horizontal axis count the members of ensembles, from 1 to so many.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> members_axis(ax, 20)
        >>> ax.get_xlabel(), ax.get_xticks().tolist()
        ('members K', [0, 5, 10, 15, 20])
    """
    ax.set(
        xlabel="members K", xlim=(0.5, most + 0.5), xticks=range(1, most + 1) if most <= 12 else range(0, most + 1, 5)
    )


def intervals(
    ax: Axes,
    table: pd.DataFrame,
    rows: ArrayLike,
    *,
    value: str,
    colour: str,
    marker: str = "o",
    size: float = 6,
    filled: bool = True,
) -> None:
    """Draw a value with its interval in each of some rows.

    Args:
        ax: Where to draw.
        table: The columns `low`, `high` and the value's.
        rows: The row of each entry.
        value: The value's column.
        colour: Of line and mark.
        marker: Of the value.
        size: Of the marker, in points.
        filled: Whether it is; else its outline is drawn.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> intervals(ax, pd.DataFrame({"low": [0.1], "share": [0.2], "high": [0.4]}), [0], value="share", colour="k")
        >>> ax.get_lines()[0].get_xdata().tolist()
        [0.2]
    """
    ax.hlines(rows, table["low"], table["high"], color=colour, linewidth=1.4)
    style = "full" if filled else "none"
    ax.plot(table[value], rows, marker, color=colour, markersize=size, fillstyle=style, clip_on=False)


def thin_lines(ax: Axes, wide: pd.DataFrame, colour: str, *, bold: float = 2.2, alpha: float = 0.4) -> None:
    """Draw one thin line a column against the index, and their median in bold; nothing of an empty table.

    Args:
        ax: Where to draw.
        wide: Steps as its index, one column a run or a feature of a run.
        colour: Of all lines.
        bold: Width of the median.
        alpha: How much of the thin lines is seen.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> thin_lines(ax, pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 3.0], "c": [0.0, 9.0]}), "black")
        >>> len(ax.get_lines()), ax.get_lines()[-1].get_ydata().tolist()
        (4, [0.0, 3.0])
    """
    if wide.empty:
        return
    ax.plot(wide.index, wide, color=colour, linewidth=0.5, alpha=alpha)
    ax.plot(wide.index, wide.median(axis=1), color=colour, linewidth=bold)


def diagonal(ax: Axes, reach: float) -> None:
    """Draw the line on which both axes are equal, and let both go from 0 to there.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(3, 3)[1]
        >>> diagonal(ax, 0.5)
        >>> ax.get_aspect(), ax.get_xlim()
        (1.0, (np.float64(0.0), np.float64(0.5)))
    """
    ax.plot([0, reach], [0, reach], color=MUTED, linewidth=1)
    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")


def cell_axes(ax: Axes, columns: int, rows: int) -> None:
    """Make the axes those of a grid of square cells, centred at whole numbers, the first row at the top.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(3, 3)[1]
        >>> cell_axes(ax, 4, 3)
        >>> ax.get_xlim(), ax.get_ylim()
        ((np.float64(-0.5), np.float64(3.5)), (np.float64(2.5), np.float64(-0.5)))
    """
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
