"""What each run has won: learned alternatives or the learned set, beside what the initialisation predicts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from probes.analysis.findings.learned import learned, null_rate_at_start
from probes.analysis.findings.prediction import initial_peaks, prediction, said
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import COLOURS, MUTED, WIDTH, canvas, key
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap, called

__all__ = ["COLUMNS", "draw", "panel", "winners"]

COLUMNS = {
    "learned": "whether the feature was learned; of alternatives, which: their labels, or `none`",
    "count": "how many of the alternatives were learned",
    "predicted": "the alternative whose peak at step 0 is the largest",
    "ratio": "second largest over largest peak at step 0 among the alternatives, in [0, 1]",
    "agrees": "whether exactly the predicted alternative was learned",
    "initial_peak": "peak at step 0",
    "initial_rank": "share of the run's features whose peak at step 0 is smaller",
}

# What a figure shows at most: rows, and columns, of which those that most runs have learned are taken.
_RUNS, _CELLS = 40, 96


@finding
def winners(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return what every run with an initialisation of its own has won.

    Of a tap whose features come as alternatives (the views of a class: features that differ in the last feature axis
    only), one row per (run, set of alternatives); of a tap with one feature axis, one row per (run, feature).

    Runs that continue another one are left out, because their step 0 is no initialisation; what was predicted is empty
    where step 0 was not recorded.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> winners(example_study()[-1])[["class", "predicted", "learned", "agrees"]].head(2)
           class  predicted learned  agrees
        0      0          0       0    True
        1      1          0       0    True
    """
    chosen = study.tap(tap)
    own = [log.label for log in study.with_tap(chosen) if not log.manifest.continues]
    table = learned(study, chosen.name)
    table = table[table["run"].isin(own)].reset_index(drop=True)
    initial = initial_peaks(study, chosen, table)

    found = _of_alternatives(chosen, table, initial) if chosen.groups else _of_features(chosen, table, initial)
    students = {log.label for log in study.students}
    found = found.sort_values("run", key=lambda runs: runs.isin(students), kind="stable", ignore_index=True)
    found.attrs["rule"] = table.attrs["rule"]
    return found


def _of_features(tap: Tap, table: pd.DataFrame, initial: NDArray[np.float64]) -> pd.DataFrame:
    ranks = (pd.Series(initial).groupby(table["run"].to_numpy()).rank(method="min").to_numpy() - 1) / tap.features
    kept = table[["run", "role", "variant", *tap.columns, "strength", "peak", "neuron", "learned"]]

    return kept.assign(initial_peak=initial, initial_rank=ranks)


def _of_alternatives(tap: Tap, table: pd.DataFrame, initial: NDArray[np.float64]) -> pd.DataFrame:
    last = tap.columns[-1]
    names = tap.index[last].iloc[: tap.alternatives].astype(object).to_numpy()
    known = table["learned"].to_numpy(bool).reshape(-1, tap.alternatives)
    peaks = initial.reshape(-1, tap.alternatives)
    seen = np.asarray(~np.isnan(peaks).any(axis=1))
    ordered = np.sort(np.nan_to_num(peaks), axis=1)
    ratio = np.divide(ordered[:, -2], ordered[:, -1], out=np.full(len(peaks), np.nan), where=ordered[:, -1] > 0)
    first = np.nan_to_num(peaks).argmax(axis=1)

    rows = table.iloc[:: tap.alternatives].reset_index(drop=True)
    return rows[["run", "role", "variant", *tap.groups]].assign(
        predicted=pd.Series(names[first], dtype=object).where(seen).infer_objects(),
        ratio=ratio,
        learned=[" + ".join(map(str, names[won])) or "none" for won in known],
        count=known.sum(axis=1),
        agrees=(known.sum(axis=1) == 1) & known[np.arange(len(known)), first] & seen,
    )


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of what every run has won; None where the study has no run with an initialisation of its own."""
    table = winners(study, tap.name)
    if table.empty:
        return None

    rows = min(_RUNS, table["run"].nunique())
    figure, axes = canvas(WIDTH, 1.1 + 0.26 * rows)
    draw(table, axes[0], tap)
    unit = f"set of {tap.alternatives} alternatives" if tap.groups else "feature"
    won = learned(study, tap.name).groupby("run", observed=True)["learned"].sum()
    caption = (
        f"What each of {table['run'].nunique()} runs has learned of {tap.features} features, a column for each {unit}: "
        f"{won.min()} to {won.max()} in a run. {said(prediction(study, tap.name))} {_calibration(study, tap)} "
        f"Learned means: {table.attrs['rule']}.{_overlapping(tap)}"
    )
    return Panel("winners", "What was won", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, tap: Tap) -> Axes:
    """Return the axes with a row for each run, and a cell for each feature or set of alternatives, full where learned.

    Args:
        table: Table of `winners`.
        ax: Where to draw.
        tap: Its tap.
    """
    columns = list(tap.groups or tap.columns)
    names = called(table[columns])
    known = table.assign(column=names, won=(table["count"] > 0) if tap.groups else table["learned"].astype(bool))
    order = _shown(known)
    runs = known["run"].astype(str).unique()[:_RUNS]
    places = {name: place for place, name in enumerate(order)}
    rows = {run: row for row, run in enumerate(runs)}
    colours = _colours(table, tap)

    shown = known[known["column"].isin(order) & known["run"].astype(str).isin(runs)]
    for value, colour in colours.items():
        part = shown[shown["learned"] == value] if tap.groups else shown[shown["won"]]
        ax.add_collection(PatchCollection(_cells(part, places, rows, 0.9), facecolor=colour, linewidth=0))
    bare = _cells(shown[~shown["won"]], places, rows, 0.8)
    ax.add_collection(PatchCollection(bare, facecolor="none", edgecolor=MUTED, linewidth=0.4))

    rows_named(ax, list(runs), fontsize=7)
    ax.set_xlim(-0.6, len(order) - 0.4)
    every = max(1, len(order) // 24)
    long = max(map(len, order)) > 4
    ax.set_xticks(range(0, len(order), every), order[::every], fontsize=7, rotation=90 if long else 0)
    ax.set_xlabel(", ".join(columns))
    if tap.groups:
        none = (Patch(facecolor="none", edgecolor=MUTED), "none")
        key(ax, [*((Patch(color=colour), str(value)) for value, colour in colours.items()), none])
    return ax


def _cells(rows: pd.DataFrame, places: Mapping[str, int], runs: Mapping[str, int], size: float) -> list[Rectangle]:
    places_of_rows = zip(rows["column"].map(places), rows["run"].astype(str).map(runs), strict=True)

    return [Rectangle((x - size / 2, y - size / 2 + 0.05), size, size - 0.1) for x, y in places_of_rows]


def _shown(known: pd.DataFrame) -> list[str]:
    """Return the columns of the figure in order: all, or those that most runs have learned something of."""
    order = known["column"].drop_duplicates()
    if len(order) <= _CELLS:
        return order.tolist()
    most = set(known.groupby("column", sort=False)["won"].mean().nlargest(_CELLS).index)

    return [name for name in order if name in most]


def _colours(table: pd.DataFrame, tap: Tap) -> dict[object, str]:
    """Return what is learned of a set of alternatives with its colour; several together are grey."""
    if not tap.groups:
        return {True: COLOURS[0]}
    single = [str(name) for name in tap.index[tap.columns[-1]].iloc[: tap.alternatives]]
    found: dict[object, str] = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(single)}
    others = sorted(set(table["learned"].astype(str)) - set(single) - {"none"})

    return found | dict.fromkeys(others, COLOURS[7])


def _calibration(study: Study, tap: Tap) -> str:
    found = null_rate_at_start(study, tap)

    return (
        ""
        if found is None
        else f"At step 0, where nothing is learned yet, {found.value:.1%} of {found.n} features pass."
    )


def _overlapping(tap: Tap) -> str:
    if not tap.overlap > 0.3:
        return ""
    return (
        f" Directions overlap: the largest absolute cosine between two features is {tap.overlap:.2f}, so that a unit "
        "that carries one of them shows the other, too."
    )
