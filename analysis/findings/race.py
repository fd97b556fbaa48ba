"""The race as films, unit by unit and feature by feature: a few runs that stand for the others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.features import features
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import WIDTH, canvas
from probes.analysis.plots.matrix import cells
from probes.analysis.replay import Replay, replay
from probes.analysis.study import Study
from probes.analysis.taps.tap import Tap, called
from probes.log.protocol import LogLike

__all__ = ["BUDGET", "draw", "fitting", "panel"]

# Characters that all films of a page may take.
BUDGET = 900_000
_FILMS = 4


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the films of the first members and the first students; None where no unit or one step was recorded."""
    if not tap.units:
        return None
    members, students = study.with_tap(tap, study.members), study.with_tap(tap, study.students)
    chosen = [log for log in (*members[: _FILMS // 2], *students[: _FILMS // 2]) if len(log.steps) > 1]
    films = [_film(study, log, tap) for log in chosen]
    if not films:
        return None

    shown = fitting(films)
    figure, axes = canvas(WIDTH, 4.6)
    table = pd.concat([_last(film, study.tap_of(log, tap.name)) for film, log in zip(shown, chosen, strict=False)])
    draw(shown[0], axes[0], tap)
    return Panel("race", "The race, unit by unit", _caption(shown), table, figure, shown)


def draw(film: Replay, ax: Axes, tap: Tap) -> Axes:
    """Return the axes with the last frame of a film: a row for each unit, a column for each feature.

    Args:
        film: The film.
        ax: Where to draw.
        tap: The tap that it shows.
    """
    last = film.correlations[-1]
    cells(last.reshape(last.shape[0] * last.shape[1], -1), ax, scale=film.scale)
    names = called(tap.index)[: last.shape[2] * last.shape[3]]
    every = max(1, len(names) // 24)
    ax.set_xticks(
        range(0, len(names), every), names[::every], fontsize=7, rotation=90 if max(map(len, names)) > 4 else 0
    )
    ax.set(xlabel=", ".join(tap.axes), ylabel=", ".join(tap.units))
    return ax


def fitting(films: Sequence[Replay]) -> Sequence[Replay]:
    """Return the first films that a page has room for; there is room for one."""
    sizes = np.cumsum([len(film.packed) for film in films])

    return films[: max(1, int((sizes <= BUDGET).sum()))]


def _film(study: Study, log: LogLike, tap: Tap) -> Replay:
    role = log.manifest.role.replace("_", "-")
    title = f"{role}: {log.label}" if role else log.label

    return replay(log, study.tap_of(log, tap.name), title=title, table=features(study, tap.name))


def _last(film: Replay, tap: Tap) -> pd.DataFrame:
    """Return the last frame as one row per unit and feature."""
    values = film.correlations[-1]
    units, shown = values.shape[0] * values.shape[1], values.shape[2] * values.shape[3]
    unit = tap.unit_index.iloc[:units].iloc[np.repeat(np.arange(units), shown)].reset_index(drop=True)
    names = tap.index.set_axis(list(tap.axis_columns), axis=1).iloc[:shown]
    feature = names.iloc[np.tile(np.arange(shown), units)].reset_index(drop=True)

    return unit.join(feature).assign(run=film.run, step=film.steps[-1], correlation=values.ravel())


def _caption(shown: Sequence[Replay]) -> str:
    return (
        f"Correlation a of every unit with every feature, at the last step of {shown[0].run}; in a browser, at "
        f"{len(shown[0].steps)} steps, closest where most changes, of {len(shown)} run{'s' if len(shown) > 1 else ''}. "
        "Colour: sign(a) log(1 + |a|/a₀), a₀ the median |a| at the run's first step, full at its largest |a| "
        f"(here a₀ = {shown[0].scale.linear:.2g}, largest {shown[0].scale.largest:.3g}). The table holds the last step."
    )
