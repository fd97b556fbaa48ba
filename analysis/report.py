"""The report: one HTML file that needs no network, opening with the claims, each figure beside its numbers."""

import base64
import gzip
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import TextIO
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, StrictUndefined

from probes.analysis.columns import MEANINGS
from probes.analysis.expectations import EXPECTATIONS
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import png, themed

__all__ = ["Report"]

# Above these numbers of characters a figure is embedded as pixels, and a table compressed or not embedded at all.
_SVG_LIMIT = 600_000
_CSV_LIMIT = 60_000
_ADDRESS_LIMIT = 1_000_000


@dataclass(frozen=True)
class Report:
    """A study's findings, built before they are rendered.

    Attributes:
        title: What was studied.
        facts: What a reader wants to know first, name and value.
        claims: Table of `claims`.
        panels: Figures with their tables, in the order in which they are shown.
        absent: What could not be shown, each with the reason.
        created: When the report was made.

    Example:
        >>> import io
        >>> from probes.analysis.claims import claims
        >>> stream = io.StringIO()
        >>> Report("my study", {"runs": "0"}, claims([])).render(stream)
        >>> "<h1>my study</h1>" in stream.getvalue()
        True
    """

    title: str
    facts: Mapping[str, str]
    claims: pd.DataFrame
    panels: Sequence[Panel] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def render(self, stream: TextIO) -> None:
        """Write the report as HTML."""
        source = files("probes.analysis").joinpath("templates", "report.html.j2").read_text("utf-8")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters.update(figure=_figure, address=_address, packed=_packed, number=_number)

        template = environment.from_string(source)
        stream.writelines(template.generate(report=self, expectations=EXPECTATIONS, meanings=MEANINGS))


def _figure(panel: Panel) -> str:
    """Return the figure as an element of the page, in the page's colours, or as pixels where it is large."""
    title = html.escape(panel.title)
    if panel.figure is None:
        return ""
    if len(panel.svg) <= _SVG_LIMIT:
        return themed(panel.svg).replace("<svg", f'<svg role="img" aria-label="{title}"', 1)

    pixels = base64.b64encode(png(panel.figure, dpi=150)).decode()
    return f'<img alt="{title}" src="data:image/png;base64,{pixels}">'


def _address(panel: Panel) -> str:
    """Return an address that holds the panel's numbers, "" where they are too many."""
    if not _packed(panel):
        return f"data:text/csv;charset=utf-8,{quote(panel.csv)}"
    packed = base64.b64encode(gzip.compress(panel.csv.encode(), mtime=0)).decode()

    return f"data:application/gzip;base64,{packed}" if len(packed) <= _ADDRESS_LIMIT else ""


def _packed(panel: Panel) -> bool:
    return len(panel.csv) > _CSV_LIMIT


def _number(value: float) -> str:
    """Return a number as a reader wants it: three digits after the point, four where it is small."""
    if isinstance(value, int):
        return f"{value:,}"
    if 0 < value < 5e-5:
        return "< 0.0001"

    digits = 3 if abs(value) >= 0.01 else 4
    return f"{value:.{digits}f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
