"""The report: one HTML file that needs no network, opening with the claims, each figure beside its numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

import pandas as pd

from probes.analysis.findings.contents import OF_A_STUDY, OF_A_TAP, room
from probes.analysis.panel import Panel
from probes.analysis.reports.page import films, place, template
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.analysis.theory.rooms import rooms as theory_rooms
from probes.analysis.theory.verdicts import VERDICTS, chance_said, counted

__all__ = ["Report"]

# What answers the three questions, which a page shows before the claims, and a notebook alone.
_OPENING = ("winners", "coverage", "growth")


@dataclass(frozen=True)
class Report:
    """A study's findings, built before they are rendered; in a notebook its first three figures and its claims.

    Attributes:
        title: What was studied.
        facts: What a reader wants to know first, name and value; what has no value is not shown.
        panels: Figures with their tables, in the order in which they are shown.
        absent: What could not be shown, each with the reason.
        claims: Table of the theory's claims, with a column `setting` where several studies stand side by side; None
            for what is no study of the theory.
        seeds: The rows of the claims at every seed, where `claims` are pooled over seeds; else None.
        created: When the report was made.

    Example:
        >>> import io
        >>> stream = io.StringIO()
        >>> Report("my study", {"runs": "0"}).render(stream)
        >>> "<h1>my study</h1>" in stream.getvalue()
        True
    """

    title: str
    facts: Mapping[str, str]
    panels: Sequence[Panel] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    claims: pd.DataFrame | None = None
    seeds: pd.DataFrame | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def verdict(self) -> str:
        """How many claims hold, are open and fail, of each setting where there are several; "" where there is none."""
        if self.claims is None:
            return ""
        if "setting" not in self.claims:
            return counted(self.claims["verdict"])
        parts = self.claims.groupby("setting", sort=False)["verdict"]

        return "; ".join(f"{setting}: {counted(verdicts)}" for setting, verdicts in parts)

    def seeds_of(self, claim: str, variant: str) -> Sequence[Mapping[str, object]]:
        """Return the rows of a claim at every seed; none where the claims are not pooled over seeds."""
        if self.seeds is None:
            return ()
        chosen = (self.seeds["claim"] == claim) & (self.seeds["variant"] == variant)
        rows: list[dict[str, object]] = [
            {str(name): value for name, value in row.items()} for row in self.seeds[chosen].to_dict("records")
        ]

        return rows

    @property
    def opening(self) -> Sequence[str]:
        """The names of the panels that answer the three questions, of the first tap."""
        first = next((panel.name.partition("-")[2] for panel in self.panels), "")
        asked = [f"{name}-{first}" if first else name for name in _OPENING]

        return [panel.name for panel in self.panels if panel.name in asked]

    def render(self, stream: TextIO) -> None:
        """Write the report as HTML."""
        page = template("report.html.j2", number=_number, cell=_cell, films=films)
        placed = place(self.panels)
        meanings = _meanings(self.panels, of_theory=self.claims is not None)
        words: dict[str, object] = {"expectations": EXPECTATIONS, "verdicts": VERDICTS, "chance_said": chance_said}
        stream.writelines(page.generate(report=self, placed=placed, meanings=meanings, **words))

    def _repr_html_(self) -> str:
        opening = [panel for panel in self.panels if panel.name in self.opening]
        page = template("notebook.html.j2", number=_number, films=films)

        return str(page.render(report=self, panels=opening, expectations=EXPECTATIONS))


def _meanings(panels: Sequence[Panel], *, of_theory: bool) -> Mapping[str, str]:
    """Return what the columns of the panels' tables mean, as their findings say."""
    general = [room(name) for rooms in (OF_A_STUDY, OF_A_TAP) for name in rooms]
    modules = [*general, *theory_rooms()] if of_theory else general
    known = {name: text for module in modules for name, text in getattr(module, "COLUMNS", {}).items()}
    shown = dict.fromkeys(str(column) for panel in panels for column in panel.table.columns)

    return {name: known[name] for name in shown if name in known}


def _cell(value: object) -> str:
    """Return what a cell of any table holds as text, "" where it holds nothing."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}".replace("-", "\N{MINUS SIGN}")

    return "" if value is None else str(value)


def _number(value: float) -> str:
    """Return a number as a reader wants it: three digits after the point, four where it is small."""
    if isinstance(value, int):
        return f"{value:,}"
    if 0 < value < 5e-5:
        return "< 0.0001"

    digits = 3 if abs(value) >= 0.01 else 4
    return f"{value:.{digits}f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
