"""Tables for people, on stdout: as wide as the terminal, plain where stdout is none."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from probes.cli.console import console
from probes.files.text import printable

__all__ = ["VERDICTS", "show"]

# What can be said of a claim, and how a terminal shows it; the words say it everywhere.
VERDICTS = {"holds": "green", "open": "yellow", "fails": "bold red", "not measured": "dim"}


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
    screen = console()
    if title:
        screen.print("\n".join(map(printable, title.split("\n"))), style="bold", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(printable(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, VERDICTS[cell]) if cell in VERDICTS else printable(cell) for cell in row))
    screen.print(table)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").replace("-", "", 1).isdigit()
