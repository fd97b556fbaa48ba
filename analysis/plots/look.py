"""The look of all figures, whatever the user's own settings of Matplotlib are, and names in them taken as they are."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter, LogFormatterMathtext, LogFormatterSciNotation

from probes.files.text import printable

__all__ = ["BAD", "COLOURS", "GOOD", "INK", "MUTED", "VIEWS", "literal", "look"]

COLOURS = tuple(sns.color_palette("colorblind").as_hex())

INK = "#1c2127"
MUTED = "#8b929b"
GOOD = COLOURS[2]
BAD = COLOURS[3]
VIEWS = (COLOURS[0], COLOURS[1])

# What concerns windows and not figures stays the user's.
_OF_WINDOWS = ("backend", "date.epoch", "docstring", "interactive", "savefig.directory", "timezone", "tk", "toolbar")

_STYLE: Mapping[Any, Any] = MappingProxyType({
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "path.simplify_threshold": 0.3,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "probes",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "xtick.major.size": 3,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.labelsize": 8,
    "ytick.major.size": 3,
    "ytick.major.width": 0.7,
})
# Matplotlib's own defaults first: a matplotlibrc may ask for LaTeX, other sizes or a grid.
_WHOLE: Mapping[Any, Any] = MappingProxyType({
    **{name: mpl.rcParamsDefault[name] for name in mpl.rcParamsDefault if not name.startswith(_OF_WINDOWS)},
    **_STYLE,
})

_POWER = re.compile(r"\^\{([^}]*)\}")
_RAISED = str.maketrans("-\N{MINUS SIGN}0123456789.", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹·")
_MARKUP = re.compile(r"\$|\\mathdefault\{(.*)\}")


@contextmanager
def look() -> Iterator[None]:
    """Have all that is drawn meanwhile look as our figures do, whatever a matplotlibrc says; also as a decorator.

    Example:
        >>> with mpl.rc_context({"font.size": 30}), look():
        ...     mpl.rcParams["font.size"]
        10.0
    """
    with mpl.rc_context(dict(_WHOLE)):
        yield


def literal(figure: Figure) -> None:
    r"""Have all texts of a figure drawn as they are: what looks like mathematics or LaTeX in a name is neither.

    Signs that cannot be printed are escaped, and powers of ten on logarithmic axes are written in plain signs.

    Example:
        >>> figure = Figure()
        >>> text = figure.text(0, 0, "cost in $ \x1b[2J of $\\frac{")
        >>> literal(figure)
        >>> text.get_text(), text.get_parse_math()
        ('cost in $ \\x1b[2J of $\\frac{', False)
    """
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            _name_ticks(axis)
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_text(_lines(text.get_text()))
            text.set_parse_math(False)
            text.set_usetex(False)


class _Powers(LogFormatterSciNotation):
    """Powers of ten in plain signs, 10⁻³, where Matplotlib's own formatter has a formula."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        formula = super().__call__(x, pos).replace(r"\times", "×")
        power = _POWER.sub(lambda found: found[1].translate(_RAISED), formula)

        return _MARKUP.sub(lambda found: found[1] or "", power).replace("-", "\N{MINUS SIGN}")


def _name_ticks(axis: Axis) -> None:
    formatter = axis.get_major_formatter()
    if isinstance(formatter, LogFormatterMathtext):
        axis.set_major_formatter(_Powers(linthresh=getattr(axis.get_transform(), "linthresh", None)))
    elif isinstance(formatter, FixedFormatter):
        formatter.seq = [_lines(str(name)) for name in formatter.seq]
    elif isinstance(formatter, FuncFormatter) and not isinstance(formatter.func, _Lines):
        formatter.func = _Lines(formatter.func)


@dataclass(frozen=True)
class _Lines:
    """Names of ticks as another function has them, printable."""

    names: Callable[[float, int | None], str]

    def __call__(self, x: float, pos: int | None = None) -> str:
        return _lines(str(self.names(x, pos)))


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
