"""The races of several runs, side by side where the terminal is wide, as many as there is room for."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from probes.analysis.rule import RULE
from probes.cli.watching.race import GROWN, VIEWS, Race
from probes.cli.watching.race_bars import COLOURS, rows_of_bars
from probes.cli.watching.run_state import Glance

__all__ = ["caption", "panels", "racing"]

_PANEL = 56  # columns that a race wants
_LEAST_ROOM = 3  # lines below which no race is shown

_STRENGTHS = (
    "bars: strength, on a log scale from the null (median off-class strength) to the run's largest; "
    f"tick: learned, {RULE}; while recorded, also > {GROWN} x its null at step 0"
)
_PEAKS = (
    "bars: peak, the largest absolute correlation of a unit; the run's largest fills its bar; "
    f"tick: learned, > {RULE.excess:g} x its null"
)

Racing = Sequence[tuple[Glance, Race]]


def racing(glances: Sequence[Glance]) -> list[tuple[Glance, Race]]:
    """Return the runs whose race can be shown, those that are recorded first.

    Example:
        >>> racing([Glance("a", "recording")])
        []
    """
    shown = [(glance, glance.race) for glance in glances if glance.race is not None]

    return sorted(shown, key=lambda pair: not pair[0].live)


def panels(runs: Racing, names: Mapping[str, str], console: Console, room: int) -> Iterator[RenderableType]:
    """Yield rows of panels, each the race of a run.

    The first row is shown also where it must leave out some of its bars, a further one only whole.

    Args:
        runs: The runs, in the order in which they are shown.
        names: run_id to what the run is called.
        console: The terminal.
        room: Lines that they may take.

    Example:
        >>> list(panels([], {}, Console(), 20))
        []
    """
    beside = max(1, console.width // _PANEL)
    for start in range(0, len(runs), beside):
        row = runs[start : start + beside]
        wanted = 1 + max(len(race.names) for _, race in row)
        if room < (wanted if start else _LEAST_ROOM):
            return
        yield _side_by_side(row, names, console, width=console.width // beside - 2, most=room - 1)
        room -= min(room, wanted)


def caption(runs: Racing, width: int) -> list[Text]:
    """Return how the bars are to be read, in lines at most so wide.

    Example:
        >>> caption([], 80)
        []
    """
    measures = {race.measure for _, race in runs}
    texts = [text for measure, text in (("strength", _STRENGTHS), ("peak", _PEAKS)) if measure in measures]

    return [Text(line, "dim") for text in texts for line in wrap(text, width)]


def _side_by_side(row: Racing, names: Mapping[str, str], console: Console, *, width: int, most: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in row:
        grid.add_column(width=width, no_wrap=True)
    plain = console.options.ascii_only
    shown = [(glance, race, rows_of_bars(race, width, most=most, plain=plain)) for glance, race in row]
    grid.add_row(*(Group(_title(names[glance.run], glance, race, len(bars)), *bars) for glance, race, bars in shown))

    return grid


def _title(name: str, glance: Glance, race: Race, rows: int) -> Text:
    title = Text.assemble((name, "bold"), f", step {glance.step}", no_wrap=True, overflow="ellipsis")
    sides = race.values.shape[1]
    for side in range(sides if sides == VIEWS else 0):
        title.append(" | " if side else ": ")
        title.append(f"view {side}", COLOURS[side])
        if race.learned is not None:
            title.append(f" {race.learned[:, side].sum()} learned")
    if rows < len(race.names):
        title.append(f", the {rows} largest of {len(race.names)}", "dim")

    return title
