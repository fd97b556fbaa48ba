"""Figures to draw on, and figures as bytes: one look for all, set on the figure and never globally.

In the SVG of a report every colour is a variable of the page, so that a figure reads as well on a dark page as on a
light one. The colours of data are seaborn's colour-blind safe ones.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from probes.analysis.plots.look import BAD, COLOURS, GOOD, INK, MUTED, VIEWS, literal, look

__all__ = [
    "BAD",
    "COLOURS",
    "COLUMN",
    "GOOD",
    "INK",
    "MUTED",
    "TWO_COLUMNS",
    "VIEWS",
    "WIDTH",
    "broken",
    "canvas",
    "key",
    "logarithmic",
    "paper",
    "png",
    "stroke",
    "svg",
    "themed",
]

# Width of a report's figures, in inches.
WIDTH = 7.6

# Widths of a paper's figures, in inches; a figure that is at most so wide in a report fits one column.
COLUMN, TWO_COLUMNS = 3.25, 6.75
_NARROW = 4.0

# What a page may set to colours of its own.
_VARIABLES = {INK: "--ink", MUTED: "--muted", GOOD: "--green", BAD: "--red", VIEWS[0]: "--blue", VIEWS[1]: "--orange"}

# What names a part of an SVG, and what refers to one; and what an SVG says of itself.
_NAMED = re.compile(r"""((?<=\s)id="|url\(#|href="#)""")
# What a line goes through, and its digits beyond those that can be seen: half of all text.
_LINES = re.compile(r'(?<= d=")[^"]*')
_DIGITS = re.compile(r"(\.\d\d)\d+")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)


def canvas(
    width: float, height: float, *, rows: int = 1, columns: int = 1, margin: float = 0.04, **options: Any
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure of the given size in inches and its axes, row by row.

    Args:
        width: Width in inches.
        height: Height in inches.
        rows: Rows of axes.
        columns: Columns of axes.
        margin: Inches left and right of all; a browser sets long labels up to 3 % wider than Matplotlib believes.
        options: Handed to `matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

    Example:
        >>> figure, axes = canvas(4, 3, columns=2)
        >>> len(axes)
        2
    """
    with look(), mpl.rc_context({"figure.constrained_layout.w_pad": margin}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)

    return figure, list(axes.flat)


def key(
    owner: Axes | Figure, entries: Sequence[tuple[Artist | tuple[Artist, ...], str]], *, columns: int | None = None
) -> None:
    """Set a row of named marks above the axes, or above all panels of a figure.

    Args:
        owner: What the row belongs to.
        entries: Marks, or tuples of marks that stand side by side, with their names.
        columns: How many stand in a row; all where it is not given.

    Example:
        >>> figure, (ax,) = canvas(4, 3)
        >>> key(ax, [(stroke(VIEWS[0]), "view 0")])
        >>> ax.get_legend().get_texts()[0].get_text()
        'view 0'
    """
    marks: list[Any] = [mark for mark, _ in entries]
    above: dict[str, Any] = (
        {"loc": "lower left", "bbox_to_anchor": (0, 1)} if isinstance(owner, Axes) else {"loc": "outside upper left"}
    )

    owner.legend(
        marks,
        [name for _, name in entries],
        ncols=columns or len(entries),
        frameon=False,
        borderaxespad=0.3,
        columnspacing=1.4,
        fontsize=8,
        handleheight=1,
        handlelength=1.2,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        handletextpad=0.5,
        labelcolor=INK,
        **above,
    )


def broken(title: str) -> str:
    """Return the title of a narrow panel, what stands in brackets on a line of its own.

    Example:
        >>> broken("distilled (literal)").splitlines()
        ['distilled', '(literal)']
    """
    return title.replace(" (", "\n(")


def stroke(colour: str, width: float = 1.6) -> Line2D:
    """Return a line as a mark for `key`.

    Example:
        >>> stroke(INK).get_linewidth()
        1.6
    """
    return Line2D([], [], color=colour, linewidth=width)


def logarithmic(ax: Axes) -> None:
    """Make the y axis logarithmic, with ticks at decades only: those between cost most of the drawing.

    Example:
        >>> figure, (ax,) = canvas(4, 3)
        >>> logarithmic(ax)
        >>> ax.get_yscale()
        'log'
    """
    ax.set_yscale("log")
    ax.yaxis.set_minor_locator(NullLocator())


def svg(figure: Figure) -> str:
    """Return the figure as SVG, the same text for the same figure; lines go to hundredths of a point.

    Example:
        >>> svg(canvas(4, 3)[0])[:5]
        '<?xml'
    """
    drawing = _saved(figure, format="svg", metadata={"Date": None, "Creator": None}).decode()

    return _LINES.sub(lambda line: _DIGITS.sub(r"\1", line[0]), drawing)


def themed(drawing: str, name: str = "") -> str:
    """Return an SVG as an element of a page that sets its colours: --ink, --muted, --green, --red, --blue, --orange.

    Args:
        drawing: The SVG.
        name: What its ids begin with, where a page has several drawings.

    Example:
        >>> themed('<?xml version="1.0"?><svg><path id="a" style="fill: #1c2127"/></svg>', "race")
        '<svg><path id="race-a" style="fill: var(--ink, #1c2127)"/></svg>'
    """
    element = _METADATA.sub("", drawing[drawing.index("<svg") :])
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, f"var({variable}, {colour})")

    return _NAMED.sub(rf"\1{name}-", element) if name else element


def paper(figure: Figure) -> Mapping[str, bytes]:
    """Return a figure laid out anew for a page of a paper, as SVG and PNG by suffix: one column wide, or two.

    A column is 3.25 inches, two are 6.75; letters keep their size, 8 to 9 points. The figure itself stays as it is.

    Example:
        >>> sorted(paper(canvas(4, 3)[0]))
        ['.png', '.svg']
    """
    width, height = figure.get_size_inches()
    target = COLUMN if width <= _NARROW else TWO_COLUMNS
    figure.set_size_inches(target, height * min(1.0, max(target / width, 0.85)))
    figure.set_layout_engine("constrained")
    try:
        found = {
            ".svg": _saved(figure, format="svg", metadata={"Date": None, "Creator": None}),
            ".png": png(figure, dpi=300),
        }
    finally:
        figure.set_size_inches(width, height)
        figure.set_layout_engine("constrained")

    return found


def png(figure: Figure, *, dpi: int = 200) -> bytes:
    """Return the figure as PNG on white.

    Example:
        >>> png(canvas(1, 1)[0])[1:4]
        b'PNG'
    """
    return _saved(figure, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})


def _saved(figure: Figure, **options: Any) -> bytes:
    stream = io.BytesIO()
    with look():
        literal(figure)
        if figure.get_layout_engine() is not None:
            # The layout of many panels costs more than drawing them: make it once for all formats.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(stream, **options)

    return stream.getvalue()
