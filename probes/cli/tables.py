"""Tables for people, on stdout: as wide as the terminal, plain where stdout is none."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["PLAIN_WIDTH", "VERDICTS", "show"]

# What can be said of a claim, and how a terminal shows it; the words say it everywhere.
VERDICTS = {"holds": "green", "FAILS": "bold red", "not measured": "dim"}

PLAIN_WIDTH = 200  # columns, where no terminal says how many there are: a table in a file is not cut


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table; a column whose cells are all numbers stands to the right, and verdicts have colours in a terminal.

    Args:
        columns: Headings.
        rows: Cells as text.
        title: Printed above.

    Example:
        >>> show(["run", "steps", "reason"], [["single-00", "150", "[Errno 28]"]])
        run        steps  reason
        single-00    150  [Errno 28]
    """
    # No markup: a cell may hold what looks like it, such as the [Errno 28] of a run's reason.
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=PLAIN_WIDTH)
    if title:
        console.print(title, style="bold", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, VERDICTS[cell]) if cell in VERDICTS else cell for cell in row))
    console.print(table)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").replace("-", "", 1).isdigit()
