"""Text that a stranger may have written, as terminals, pages and spreadsheets can take it."""

import re
from unicodedata import category

__all__ = ["cell", "printable"]

# What a spreadsheet may take for a formula, unless it is a number.
_FORMULA = re.compile(r"[=+@\-\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


def printable(text: str) -> str:
    r"""Return the text on one line, with signs that a terminal would obey, or that cannot be seen, as escapes.

    Example:
        >>> printable("seed\x1b[2J-0\n")
        'seed\\x1b[2J-0\\n'
    """
    if text.isprintable():
        return text

    return "".join(sign if sign.isprintable() or category(sign) == "Zs" else _escaped(sign) for sign in text)


def cell(text: str) -> str:
    """Return the text as a cell of a CSV file: behind an apostrophe where a spreadsheet would run it as a formula.

    Example:
        >>> cell("=1+1"), cell("-0.5"), cell("seed-0")
        ("'=1+1", '-0.5', 'seed-0')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()
