"""Tables for people, on stdout: as wide as the terminal, plain where stdout is none."""

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table

__all__ = ["cells", "show"]

PLAIN_WIDTH = 200  # columns, where no terminal says how many there are: a table in a file is not cut


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table; a column whose cells are all numbers stands to the right.

    Args:
        columns: Headings.
        rows: Cells as text.
        title: Printed above.

    Example:
        >>> show(["run", "steps"], [["single-00", "150"]])
        run        steps
        single-00    150
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "").replace("-", "", 1).isdigit()


def cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return a frame's headings and rows as text, numbers with four digits.

    Args:
        table: Any frame.

    Example:
        >>> cells(pd.DataFrame({"class": [0], "strength": [0.123456]}))
        (['class', 'strength'], [['0', '0.1235']])
    """
    rows = [[_text(value) for value in row] for row in table.itertuples(index=False)]

    return list(map(str, table.columns)), rows


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
