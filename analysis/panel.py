"""A figure beside its numbers: what a report is made of."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from matplotlib.figure import Figure

from probes.analysis.plots.canvas import svg, themed
from probes.analysis.replay import Replay
from probes.files.text import cell, printable

__all__ = ["Panel"]


@dataclass(frozen=True)
class Panel:
    r"""A figure beside its numbers; both are turned into text once, when first asked for.

    Attributes:
        name: Stem of its files.
        title: What it answers.
        caption: What is drawn, of how many, by which rule.
        table: The numbers that are drawn.
        figure: The figure; None where the table stands for itself.
        replays: Films that a browser can play in the figure's place.
        opened: Whether a page shows the table at once, where there is no figure.

    Example:
        >>> Panel("shares", "Shares", "One share.", pd.DataFrame({"share": [0.5]})).csv
        'share\n0.5\n'
    """

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    figure: Figure | None = None
    replays: Sequence[Replay] = ()
    opened: bool = False

    @cached_property
    def csv(self) -> str:
        """The numbers as CSV, to six digits; no name in it can be run as a formula."""
        return str(_safe(self.table).to_csv(index=False, float_format="%.6g", lineterminator="\n"))

    @cached_property
    def svg(self) -> str:
        """The figure as SVG, "" where there is none."""
        return svg(self.figure) if self.figure else ""

    @cached_property
    def element(self) -> str:
        """The figure as an element of a page, in the page's colours and with names of its own; "" where there is none.

        A screen reader reads the title, and the caption where the page has it under the id NAME-caption.
        """
        if not self.figure:
            return ""
        spoken = f'role="img" aria-label="{html.escape(self.title)}" aria-describedby="{self.name}-caption"'

        return themed(self.svg, self.name).replace("<svg", f"<svg {spoken}", 1)

    def _repr_html_(self) -> str:
        head = "" if self.figure else str(self.table.head(20).to_html(index=False, border=0))

        return (
            f"<figure><b>{html.escape(self.title)}</b>{self.element}{head}"
            f'<figcaption id="{self.name}-caption">{html.escape(self.caption)}</figcaption></figure>'
        )


def _safe(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts, and names of columns, as cells that a spreadsheet does not run; numbers as ever."""
    safe = table.copy(deep=False)
    for name in table:
        if not pd.api.types.is_numeric_dtype(table[name]):
            safe[name] = table[name].map(lambda value: cell(printable(value)) if isinstance(value, str) else value)

    return safe.rename(columns=lambda name: cell(printable(str(name))))
