"""What a series of any shape is drawn as: lines with names at their ends, cells over steps, a matrix, a spectrum."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from probes.analysis.plots.canvas import COLOURS, VIEWS, logarithmic
from probes.analysis.plots.marks import thin_lines

__all__ = ["cells_named", "entries", "named_ends", "spaced", "spectra", "wide"]

_RISING = LinearSegmentedColormap.from_list("rising", [to_rgba(VIEWS[0], 0), to_rgba(VIEWS[0])], N=255)
_SIGNED = LinearSegmentedColormap.from_list(
    "signed", [to_rgba(VIEWS[0]), to_rgba(VIEWS[0], 0), to_rgba(VIEWS[1], 0), to_rgba(VIEWS[1])], N=255
)
_FULL = 99  # percentile of sizes from which on a cell has the full colour
_TICKS, _LETTERS = 5, 20
_APART = 0.1  # names at the ends of lines, of the height of the axes
_SPECTRA = 4  # steps
_DECADES = 1000  # largest over smallest, up to which a logarithmic axis has ticks between decades
_RANGE = 50  # largest over smallest, from which on positive values are drawn on a logarithmic axis


def wide(rows: pd.DataFrame, index: Sequence[str] | str, columns: Sequence[str] | str) -> pd.DataFrame:
    """Return the column `value` with some columns as rows and others as columns, both in the order of their entries.

    Example:
        >>> wide(pd.DataFrame({"step": [0, 5], "run": ["b", "a"], "value": [1.0, 2.0]}), "run", "step").index.tolist()
        ['b', 'a']
    """
    return rows.pivot_table(index=index, columns=columns, values="value", sort=False, observed=True, dropna=False)


def entries(rows: pd.DataFrame, ax: Axes, axis: str) -> Axes:
    """Return the axes with thin lines of every run for each entry of an axis, their median in bold and its name there.

    Args:
        rows: Columns run, step, the axis, value; at most ten entries.
        ax: Where to draw.
        axis: The axis.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> rows = pd.DataFrame({"run": "a", "step": [0, 1, 0, 1], "kind": list("xxyy"), "value": [0.0, 1, 2, 3]})
        >>> [text.get_text() for text in entries(rows, canvas(4, 3)[1][0], "kind").texts]
        ['x', 'y']
    """
    ends = {}
    for colour, (name, part) in zip(COLOURS, rows.groupby(axis, sort=False, observed=True), strict=False):
        lines = wide(part, "step", "run").sort_index().interpolate(method="index", limit_area="inside")
        thin_lines(ax, lines, colour, bold=1.6)
        ends[str(name)] = (float(lines.median(axis=1).iloc[-1]), colour)
    ax.set(xlabel="step")
    ax.margins(x=0)
    spaced(ax, rows["value"])
    named_ends(ax, ends)
    return ax


def spaced(ax: Axes, values: "pd.Series[float]", *, least: float = _RANGE) -> None:
    """Make the y axis logarithmic where all values are above 0 and the largest is so many times the smallest.

    Below three decades 2 and 5 have ticks, too.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> spaced(ax, pd.Series([1.0, 100.0]))
        >>> ax.get_yscale()
        'log'
    """
    known = values.dropna()
    if not len(known) or known.min() <= 0 or known.max() <= least * known.min():
        return
    logarithmic(ax)
    if known.max() < _DECADES * known.min():
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def named_ends(ax: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write names right of the axes at the heights where lines end, and no two over each other.

    Args:
        ax: Where the lines are drawn, with its final limits.
        ends: The value at the end, and the colour, by name; one without a finite value has no name.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> (ax,) = canvas(4, 3)[1]
        >>> named_ends(ax, {"a": (0.5, "black"), "b": (0.5, "black")})
        >>> [round(text.get_position()[1], 2) for text in ax.texts]
        [0.5, 0.6]
    """
    limits = ax.get_ylim()
    known = [(value, name, colour) for name, (value, colour) in ends.items() if np.isfinite(value)]
    known.sort(key=lambda end: end[0])
    heights = (ax.transScale + ax.transLimits).transform([(1, np.clip(end[0], *limits)) for end in known] or [(1, 1)])
    places: list[float] = []
    for height in heights[:, 1]:
        places.append(max(float(height), places[-1] + _APART) if places else float(height))
    over = max(0.0, places[-1] - 1.02)
    for place, (_, name, colour) in zip(places, known, strict=False):
        style = {"fontsize": 7, "va": "center", "color": colour}
        ax.text(1.02, place - over, _short(name), transform=ax.transAxes, **style)  # type: ignore[arg-type]


def cells_named(table: pd.DataFrame, ax: Axes, *, x: str, y: str) -> Axes:
    """Return the axes with a cell for each value of a table, and a bar that says which colour is which value.

    Values of both signs are blue below 0 and orange above, others the bluer the larger; what is beyond the 99th
    percentile of sizes has the full colour, and what is no number none.

    Args:
        table: Rows and columns, under the names that they have beside the cells.
        ax: Where to draw.
        x: What the columns are.
        y: What the rows are.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> ax = cells_named(pd.DataFrame([[0.0, 1.0]], columns=[0, 10]), canvas(4, 3)[1][0], x="step", y="neuron")
        >>> ax.get_images()[0].get_array().shape, [label.get_text() for label in ax.get_xticklabels()]
        ((1, 2), ['0', '10'])
    """
    values = np.ma.masked_invalid(table.to_numpy(dtype=float))
    known = values.compressed()
    full = float(np.percentile(np.abs(known), _FULL)) if known.size else 1.0
    full = full or float(np.abs(known).max(initial=0)) or 1.0
    signed = bool((known < 0).any())
    options = {"vmin": -full if signed else 0, "vmax": full, "cmap": _SIGNED if signed else _RISING}
    drawn = ax.imshow(values, aspect="auto", interpolation="nearest", **options)  # type: ignore[arg-type]
    beyond = bool(np.abs(known).max(initial=0) > full)
    sides = "both" if signed else "max"
    bar = ax.figure.colorbar(drawn, ax=ax, aspect=25, pad=0.02, extend=sides if beyond else "neither")
    bar.ax.tick_params(length=0, labelsize=7)
    bar.outline.set_visible(False)
    _tick(ax, "x", table.columns)
    _tick(ax, "y", table.index)
    ax.set(xlabel=x, ylabel=y)
    ax.tick_params(length=0)
    return ax


def spectra(rows: pd.DataFrame, ax: Axes, axis: str, others: Sequence[str] = ()) -> Axes:
    """Return the axes with the values along an axis of ranks at a few steps, the later the darker, with the steps.

    One thin line a run, and a line for each entry of the other axes; bold their median.

    Args:
        rows: Columns run, step, the axes, value.
        ax: Where to draw.
        axis: The axis of ranks, from 0.
        others: All other axes.

    Example:
        >>> from probes.analysis.plots.canvas import canvas
        >>> rows = pd.DataFrame({"run": "a", "step": [0, 0, 9, 9], "rank": [0, 1, 0, 1], "value": [2.0, 1, 4, 1]})
        >>> [text.get_text() for text in spectra(rows, canvas(4, 3)[1][0], "rank").texts]
        ['step 0', 'step 9']
    """
    steps = np.sort(rows["step"].unique())
    chosen = steps[np.unique(np.linspace(0, len(steps) - 1, min(_SPECTRA, len(steps))).round().astype(int))]
    ends = {}
    for colour, step in zip(_shades(len(chosen)), chosen, strict=True):
        lines = wide(rows[rows["step"] == step], axis, ["run", *others]).sort_index()
        lines.index = lines.index.astype(int) + 1
        thin_lines(ax, lines, colour, bold=1.6)
        ends[f"step {step:,}"] = (float(lines.median(axis=1).iloc[-1]), colour)
    spaced(ax, rows["value"][rows["value"] != 0], least=1)
    ax.set(xlabel=axis)
    ax.margins(x=0)
    named_ends(ax, ends)
    return ax


def _shades(number: int) -> Sequence[str]:
    """Return colours from a light to the full blue, as hexadecimal numbers."""
    full: NDArray[np.float64] = np.array(to_rgba(VIEWS[0])[:3])
    shares = np.linspace(0.35, 1, number) if number > 1 else np.ones(1)

    return ["#" + "".join(f"{round(255 * part):02x}" for part in 1 - share * (1 - full)) for share in shares]


def _tick(ax: Axes, side: str, names: "pd.Index[str]") -> None:
    """Name a few cells along one side."""
    places = np.unique(np.linspace(0, len(names) - 1, min(_TICKS, len(names))).round().astype(int))
    texts = [_short(", ".join(map(str, name)) if isinstance(name, tuple) else str(name)) for name in names[places]]
    (ax.set_xticks if side == "x" else ax.set_yticks)(places, texts, fontsize=7)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
