"""When each feature is learned, and in which order."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.findings.features import features, null_source
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, rows_named
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap

__all__ = ["COLUMNS", "crossings", "draw", "panel", "settled", "timing"]

COLUMNS = {
    "crossing_after": "last step looked at at which the feature did not count as learned",
    "crossing": "step from which on it counts as learned for good; empty where it is not learned at the end",
    "order": "place of the crossing in its run, from 1; features that cross together share one",
}

_RUNS = 40  # that a figure shows


@finding
def timing(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return one row per (run, feature): between which steps it came to count as learned for good.

    The steps looked at are those of `features`, about 200 a run.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> timing(example_study()[-1])[["class", "view", "crossing_after", "crossing", "order"]].head(3)
           class  view  crossing_after  crossing  order
        0      0     0              16        18      4
        1      0     1             400      <NA>   <NA>
        2      1     0              12        14      1
    """
    chosen = study.tap(tap)
    table = features(study, chosen.name)
    table.attrs["null"] = null_source(study, chosen.name)
    ruled = study.rule(table)
    found = [crossings(rows, chosen) for _, rows in ruled.groupby("run", observed=True, sort=False)]

    columns = ["run", "role", "variant", *chosen.columns, *COLUMNS]
    result = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
    result.attrs["rule"] = f"{ruled.attrs['rule']}, from then on at every step looked at"
    return result


def crossings(table: pd.DataFrame, tap: Tap) -> pd.DataFrame:
    """Return the rows of one run: its table of `features` with `learned`, as one row per feature with its crossing."""
    steps = table["step"].to_numpy()[:: tap.features]
    after, since = settled(steps, table["learned"].to_numpy(dtype=bool).reshape(-1, tap.features))
    rows = table.iloc[: tap.features][["run", "role", "variant", *tap.columns]].reset_index(drop=True)

    found = rows.assign(crossing_after=pd.Series(after).astype("Int64"), crossing=pd.Series(since).astype("Int64"))
    return found.assign(order=found["crossing"].rank(method="min").astype("Int64"))


def settled(steps: NDArray[np.integer], holds: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the last step at which a condition fails, and the next, from which on it holds; NaN where there is none.

    Args:
        steps: Steps, rising, ``(step,)``.
        holds: The condition, ``(step, ...)``.

    Example:
        >>> steps = np.array([0, 10, 20])
        >>> settled(steps, np.array([[False, True, False], [False, True, True], [True, True, False]]))
        (array([10., nan, 20.]), array([20.,  0., nan]))
    """
    place = np.where(holds.all(axis=0), 0, len(holds) - np.argmin(holds[::-1], axis=0))
    padded = np.concatenate([[np.nan], steps, [np.nan]])

    return padded[place], padded[place + 1]


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of when features are learned; None where none is."""
    table = timing(study, tap.name)
    if not table["crossing"].notna().any():
        return None

    figure, axes = canvas(WIDTH, 1 + 0.2 * min(_RUNS, table["run"].nunique()))
    draw(table, axes[0], students={log.label for log in study.students})
    last = features(study, tap.name)["step"].max()
    at_start = int((table["crossing"] == 0).sum())
    caption = (
        f"The step from which on each feature counts as learned for good, a tick for each, of {last:,} steps. "
        f"{table['crossing'].notna().sum()} of {len(table)} are learned at the end"
        + (f", {at_start} of them from step 0 on" if at_start else "")
        + f". Learned means: {table.attrs['rule']}."
    )
    return Panel("timing", "When features are learned", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, *, students: set[str]) -> Axes:
    """Return the axes with a row for each run and a tick at every crossing, students in another colour.

    Args:
        table: Table of `timing`.
        ax: Where to draw.
        students: Labels of the runs with teachers.
    """
    runs = table["run"].astype(str).unique()[:_RUNS]
    for row, run in enumerate(runs):
        steps = table.loc[table["run"].astype(str) == run, "crossing"].dropna().to_numpy(dtype=float)
        ax.vlines(steps, row - 0.36, row + 0.36, color=GOOD if run in students else VIEWS[0], linewidth=1, alpha=0.7)
    rows_named(ax, list(runs), fontsize=7)
    ax.set(xlabel="step")
    if students:
        key(ax, [(dot(VIEWS[0]), "runs without teachers"), (dot(GOOD), "students")])
    return ax
