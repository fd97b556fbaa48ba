"""A figure beside its numbers: what a report is made of."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from matplotlib.figure import Figure

from probes.analysis.plots.canvas import svg

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

    Example:
        >>> Panel("shares", "Shares", "One share.", pd.DataFrame({"share": [0.5]})).csv
        'share\n0.5\n'
    """

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    figure: Figure | None = None

    @cached_property
    def csv(self) -> str:
        """The numbers as CSV, to six digits."""
        return str(self.table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))

    @cached_property
    def svg(self) -> str:
        """The figure as SVG, "" where there is none."""
        return svg(self.figure) if self.figure else ""
