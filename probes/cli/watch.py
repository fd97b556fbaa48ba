"""`probes watch`: runs that are still being recorded, live."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.live import Live

from probes.cli.console import console
from probes.cli.watching.dashboard import board
from probes.cli.watching.line_output import json_line, plain_line
from probes.cli.watching.live_runs import LiveRuns, View
from probes.cli.watching.run_state import Glance

_SHARE = 0.2  # of the interval, that looking may take: the training wants the processor, too


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option(
    "--interval", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds from look to look."
)
@click.option("--once", is_flag=True, help="Look once, then end.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON a run instead.")
def command(root: Path, interval: float, once: bool, as_json: bool) -> None:
    """Show the runs under ROOT as they are recorded: how far each is, how fast, and the race of its features.

    It only reads, and ends when no run is recorded any more. Where stdout is no terminal, every look prints a line for
    each run that is being recorded, and one for each that has ended.

    Example: probes watch runs/theory
    """
    views = _views(LiveRuns(root), interval, once=once)
    screen = console()
    if as_json or not screen.is_terminal:
        _print_lines(views, json_line if as_json else plain_line)
        return

    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as shown:
        for view in views:
            shown.update(board(view, screen, whole=once), refresh=True)


def _views(live: LiveRuns, interval: float, *, once: bool) -> Iterator[View]:
    """Yield the runs every so many seconds; the last time, all of them are read."""
    share = 1.0  # at first there is most to read, and nothing to be seen meanwhile
    while not once:
        began = time.monotonic()
        view = live.look(share * interval)
        share = _SHARE
        if live.over(view):
            break
        yield view
        time.sleep(max(0.0, began + interval - time.monotonic()))
    yield live.look()


def _print_lines(views: Iterator[View], line_of: Callable[[Glance], str]) -> None:
    printed: dict[str, Glance] = {}
    for view in views:
        for glance in view.glances:
            if glance.read and (glance.live or printed.get(glance.run) != glance):
                click.echo(line_of(glance))
            printed[glance.run] = glance
