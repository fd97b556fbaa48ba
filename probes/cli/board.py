"""What `probes watch` shows in a terminal: a row a run, and the race of as many as there is room for."""

import re
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from probes.cli.amounts import as_clock
from probes.cli.watching.live_runs import View
from probes.cli.watching.race_panels import caption, panels, racing
from probes.cli.watching.run_state import Glance

__all__ = ["board", "cells", "short_names"]

_COLUMNS = ("run", "status", "step", "steps/s", "loss", "error", "won", "left")
_STYLES = {"recording": "bold", "finished": "dim", "diverged": "red", "failed": "red"}
_FEWEST_ROWS = 4  # of runs, however small the terminal
_MOST_NOTES = 3
_WIDE = 100  # columns from which on names are whole
_LABEL = 24  # columns of a name below that
_HASH = re.compile(r"-[0-9a-f]{8}$")


def board(view: View, console: Console, *, whole: bool = False) -> RenderableType:
    """Return the view as fits a terminal.

    Args:
        view: The runs.
        console: The terminal.
        whole: Whether every run gets a row, also where the terminal is not so high.

    Example:
        >>> from pathlib import Path
        >>> console = Console(width=60, height=10)
        >>> view = View(Path("runs"), (Glance("seed-0", "recording", step=3, total=9, rate=2.0),))
        >>> console.print(board(view, console))
        runs: 1 recording
        run    status    step steps/s loss error won left
        seed-0 recording  3/9       2                0:03
    """
    runs, notes = racing(view.glances), _notes(view)
    words = caption(runs, console.width)
    height = console.height - 1 - 2 - len(notes) - len(words)  # the cursor's line, the summary and the table's head
    race = 1 + len(runs[0][1].names) if runs else 0
    rows = len(view.glances) if whole else max(_FEWEST_ROWS, height - race)
    names = short_names([glance.run for glance in view.glances])
    room = max(race, height - rows) if whole else height - min(rows, len(view.glances))
    races = list(panels(runs, names, console, room))
    table = _table(view, names, rows, console.width)

    return Group(_summary(view), *table, *notes, *races, *(words if races else []))


def cells(glance: Glance) -> list[str]:
    """Return what a row says of a run after its name; what is not known is left empty.

    Example:
        >>> cells(Glance("a", "recording", step=300, total=900, rate=40.0, loss=0.0512))
        ['recording', '300/900', '40', '0.0512', '', '', '0:15']
    """
    race = glance.race
    total = "" if glance.total is None else f"/{glance.total}"

    return [
        glance.status,
        "" if glance.step is None else f"{glance.step}{total}",
        "" if glance.rate is None else f"{glance.rate:,.3g}" if glance.rate < 100 else f"{glance.rate:,.0f}",
        "" if glance.loss is None else f"{glance.loss:.3g}",
        "" if glance.train_error is None else f"{glance.train_error:.3g}",
        "" if race is None or race.won is None else f"{race.won}/{len(race.names)}",
        "" if glance.left is None else as_clock(glance.left),
    ]


def short_names(run_ids: Sequence[str]) -> dict[str, str]:
    """Return run_id to the name without its hash, where names stay unlike each other.

    Example:
        >>> short_names(["single-00-1a2b3c4d", "seed-0"])
        {'single-00-1a2b3c4d': 'single-00', 'seed-0': 'seed-0'}
    """
    short = {run_id: _HASH.sub("", run_id) for run_id in run_ids}

    return short if len(set(short.values())) == len(short) else {run_id: run_id for run_id in run_ids}


def _summary(view: View) -> Text:
    counts = [f"{count} {status}" for status, count in view.counts.items()]
    to_come = [f"{view.to_come} to come"] if view.to_come else []

    return Text(f"{view.root}: {', '.join(counts + to_come) or 'no runs'}", "bold", no_wrap=True, overflow="ellipsis")


def _table(view: View, names: dict[str, str], rows: int, width: int) -> list[RenderableType]:
    """Return at most so many rows, runs that are recorded first; what has no room is counted."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2 if width >= _WIDE else 1, 0, 0))
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in {"run", "status"} else "right", no_wrap=True)

    ordered = sorted(view.glances, key=lambda glance: (not glance.live, glance.status == "finished"))
    kept = ordered if len(ordered) <= rows else ordered[: rows - 1]
    for glance in kept:
        name = names[glance.run] if width >= _WIDE else _cut(names[glance.run], _LABEL)
        table.add_row(*map(Text, [name, *cells(glance)]), style=_STYLES.get(glance.status, "yellow"))

    left = View(view.root, tuple(ordered[len(kept) :])).counts
    text = ", ".join(f"{count} {status}" for status, count in left.items())
    return [table, Text(f"and {text}", "dim")] if left else [table]


def _cut(text: str, width: int) -> str:
    """Return a text cut in its middle: the end of a run's name tells it from others."""
    half = (width - 1) // 2

    return text if len(text) <= width else f"{text[: width - 1 - half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"


def _notes(view: View) -> list[Text]:
    """Return a line for each of a few runs that have something to say."""
    reasons = [f"{glance.run} {glance.status}: {glance.reason}" for glance in view.glances if glance.reason]

    lines = [*view.refused, *reasons][-_MOST_NOTES:]
    return [Text(line, "yellow", no_wrap=True, overflow="ellipsis") for line in lines]
