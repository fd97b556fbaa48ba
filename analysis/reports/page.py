"""What a page holds of each panel, so that the whole stays below 3 MB: drawings or pixels, tables or their names."""

import base64
import gzip
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import png

__all__ = ["Placed", "films", "place", "template"]

_TEMPLATES = files("probes.analysis.reports") / "templates"

# In characters; what remains of 3 MB is for the claims, the text and the figures' neighbours in markup.
_FIGURES = 1_500_000
_PAGE = 2_750_000
# Above this a figure is embedded as pixels, and a table compressed.
_SVG_LIMIT = 600_000
_CSV_LIMIT = 30_000
# The first panels answer what a reader asks first: their drawings are the last to become pixels.
_FIRST = 4


@dataclass(frozen=True)
class Placed:
    """One panel on a page.

    Attributes:
        panel: The panel.
        figure: Its figure as an element, "" where there is none.
        file: What its table is called.
        address: An address that holds the table, "" where the page has no room for it.
    """

    panel: Panel
    figure: str
    file: str
    address: str


def place(panels: Sequence[Panel]) -> Sequence[Placed]:
    """Return what a page holds of each panel: drawings while there is room, else pixels; tables, the small ones first.

    Args:
        panels: In the order in which they are shown.

    Example:
        >>> import pandas as pd
        >>> [placed] = place([Panel("shares", "Shares", "One share.", pd.DataFrame({"share": [0.5]}))])
        >>> placed.address
        'data:text/csv;charset=utf-8,share%0A0.5%0A'
    """
    figures = _figures(panels)
    used = sum(map(len, figures)) + sum(len(str(films(panel))) for panel in panels)
    addresses = [_address(panel) for panel in panels]

    kept: set[int] = set()
    for index in sorted(range(len(panels)), key=lambda index: len(addresses[index])):
        used += len(addresses[index])
        kept |= {index} if used <= _PAGE else set()
    return [
        Placed(panel, figure, panel.name + (".csv.gz" if _packed(panel) else ".csv"), address if index in kept else "")
        for index, (panel, figure, address) in enumerate(zip(panels, figures, addresses, strict=True))
    ]


def films(panel: Panel) -> Sequence[Mapping[str, Any]]:
    """Return what the page's player needs to know of a panel's films; empty where it has none.

    Example:
        >>> import pandas as pd
        >>> films(Panel("shares", "Shares", "", pd.DataFrame()))
        []
    """
    return [
        {
            "steps": film.steps,
            "loss": film.loss,
            "shape": film.correlations.shape,
            "linear": film.scale.linear,
            "largest": film.scale.largest,
            "data": film.packed,
        }
        for film in panel.replays
    ]


@cache
def template(name: str, **filters: Callable[..., Any]) -> Any:
    """Return one of the templates beside this module, with the filters it uses.

    Example:
        >>> template("style.css.j2").render().startswith(":root")
        True
    """
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda file: (_TEMPLATES / file).read_text("utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)

    return environment.get_template(name)


def _figures(panels: Sequence[Panel]) -> Sequence[str]:
    """Return the figures as elements; the largest become pixels until all fit."""
    found = [panel.element if len(panel.svg) <= _SVG_LIMIT else _pixels(panel) for panel in panels]
    drawings = [index for index, element in enumerate(found) if element.startswith("<svg")]

    for index in sorted(drawings, key=lambda index: (index < _FIRST, -len(found[index]))):
        if sum(map(len, found)) <= _FIGURES:
            break
        found[index] = min(_pixels(panels[index]), found[index], key=len)
    return found


def _pixels(panel: Panel) -> str:
    if panel.figure is None:
        return ""
    pixels = base64.b64encode(png(panel.figure, dpi=130)).decode()
    width = round(96 * panel.figure.get_figwidth())

    return f'<img alt="{html.escape(panel.title)}" width="{width}" src="data:image/png;base64,{pixels}">'


def _address(panel: Panel) -> str:
    if not _packed(panel):
        return f"data:text/csv;charset=utf-8,{quote(panel.csv)}"

    return f"data:application/gzip;base64,{base64.b64encode(gzip.compress(panel.csv.encode(), mtime=0)).decode()}"


def _packed(panel: Panel) -> bool:
    return len(panel.csv) > _CSV_LIMIT
