"""Bars of text: the race of one run, a row a class, the two views as bars to either side of a line.

A view's side tells it from the other as well as its colour does, and a tick what is learned, so no colour is needed.
"""

import math
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from probes.cli.watching.race import Race

__all__ = ["COLOURS", "Scale", "rows_of_bars"]

COLOURS = ("#56b4e9", "#e69f00")  # of Okabe and Ito, whom every kind of colour vision tells apart
_LEAST = 10  # times the null: the end of the shortest scale, so that chance at the start of a race does not fill it
_VALUE = 9  # columns of a space, a number and its tick


@dataclass(frozen=True)
class Scale:
    """Value in, length of its bar as a share of the longest out: logarithmic where a null says from where, else linear.

    Args:
        low: Where a logarithmic bar begins, 0 for a linear one.
        high: Where every bar ends.

    Example:
        >>> [round(Scale(0.01, 1.0)(value), 2) for value in (0.001, 0.01, 0.1, 1.0)]
        [0.0, 0.0, 0.5, 1.0]
        >>> Scale(0.0, 4.0)(3.0)
        0.75
    """

    low: float
    high: float

    @classmethod
    def of(cls, race: Race) -> "Scale":
        """Return the scale on which the largest value of a race fills its bar."""
        largest = float(race.values.max(initial=0))

        return cls(race.null, max(largest, race.null * _LEAST) or 1.0)

    def __call__(self, value: float) -> float:
        """Return the share, in [0, 1]."""
        if value <= self.low:
            return 0.0
        return math.log(value / self.low) / math.log(self.high / self.low) if self.low else value / self.high


def rows_of_bars(race: Race, width: int, *, most: int, plain: bool = False) -> list[Text]:
    """Return a line a row of the race, each at most so wide.

    Args:
        race: The race.
        width: Columns.
        most: Rows; where there are more, those with the largest values are shown, in their order.
        plain: Whether the terminal knows nothing but ASCII.

    Example:
        >>> for row in rows_of_bars(Race("peak", ("0", "1"), np.array([[1.0, 0.25], [0.0, 0.5]])), 42, most=2):
        ...     print(row)
        0        1  ██████████│██▌             0.25
        1        0            │█████            0.5
    """
    chosen = np.sort(np.argsort(-race.values.max(axis=1), kind="stable")[:most])
    names = max(len(race.names[row]) for row in chosen)
    sides = race.values.shape[1]
    length = max(1, (width - names - 2 - sides * _VALUE) // sides)

    return [_row(race, row, f"{race.names[row]:>{names}}", length, plain) for row in chosen.tolist()]


def _row(race: Race, row: int, name: str, length: int, plain: bool) -> Text:
    values, scale = race.values[row].tolist(), Scale.of(race)
    learned = [False] * len(values) if race.learned is None else race.learned[row].tolist()
    ends = [_end(value, known, plain) for value, known in zip(values, learned, strict=True)]
    bars = [_bar(scale(value), length, plain) for value in values]
    line = ("|" if plain else "\N{BOX DRAWINGS LIGHT VERTICAL}", "dim")
    if len(values) == 1:
        return Text.assemble((name, "dim"), " ", line, (bars[0], COLOURS[0]), ends[0])

    left = bars[0][::-1].replace("\N{LEFT HALF BLOCK}", "\N{RIGHT HALF BLOCK}")
    return Text.assemble((name, "dim"), ends[0], " ", (left, COLOURS[0]), line, (bars[1], COLOURS[1]), ends[1])


def _bar(share: float, length: int, plain: bool) -> str:
    """Return a bar that grows to the right, in steps of half a column, as wide as the longest."""
    whole, half = divmod(round(2 * share * length), 2)
    bar = "#" * whole if plain else "\N{FULL BLOCK}" * whole + "\N{LEFT HALF BLOCK}" * half

    return bar.ljust(length)


def _end(value: float, learned: bool, plain: bool) -> Text:
    tick = ("*" if plain else "\N{CHECK MARK}") if learned else " "

    return Text(f" {_number(value):>{_VALUE - 2}}{tick}", "bold" if learned else "dim")


def _number(value: float) -> str:
    """Return a number of at least 0 in at most seven columns."""
    if 0 < value < 0.001 or value >= 10_000_000:
        return f"{value:.1e}"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
