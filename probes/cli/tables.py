"""Tables for people, on stdout: as wide as the terminal, plain where stdout is none."""

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table

__all__ = ["cells", "claims_for_people", "show"]

PLAIN_WIDTH = 200  # columns, where no terminal says how many there are: a table in a file is not cut


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table; a column whose cells are all numbers stands to the right.

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
        table.add_row(*row)
    console.print(table)


def claims_for_people(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of claims with its ranges in one cell each and the verdict first.

    Args:
        table: As `probes.analysis.claims` gives it.

    Example:
        >>> from probes.analysis import claims
        >>> list(claims_for_people(claims([])).columns)[1:4]
        ['claim', 'variant', 'source']
    """
    ranges = {
        name: [f"{low:.3g} to {high:.3g}" for low, high in zip(table[low_of], table[high_of], strict=True)]
        for name, low_of, high_of in (("expected", "expected_low", "expected_high"), ("95 %", "low", "high"))
    }

    return pd.DataFrame({
        "": ["holds" if holds else "FAILS" for holds in table["holds"]],
        **({"setting": table["setting"]} if "setting" in table else {}),
        "claim": table["claim"],
        "variant": table["variant"],
        "source": table["source"],
        "expected": ranges["expected"],
        "measured": [f"{value:.4f}" for value in table["measured"]],
        "95 % interval": ranges["95 %"],
        "n": table["n"],
    })


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
