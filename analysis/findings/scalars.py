"""What was logged beside the series: losses and other numbers, of every run."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import GOOD, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import thin_lines
from probes.analysis.plots.shapes import spaced
from probes.analysis.study import Study, finding
from probes.errors import LogError

__all__ = ["COLUMNS", "draw", "panel", "scalars"]

COLUMNS = {"step": "number of completed optimizer updates", "name": "what was logged", "value": "the number"}

_POINTS = 200  # a run that are kept of each scalar
_SHOWN, _ACROSS = 12, 3  # scalars in a figure, and in a row of it


@finding
def scalars(study: Study) -> pd.DataFrame:
    """Return one row per (run, step, name) of what was logged, at up to about 200 steps a run and name.

    Args:
        study: A study, logs, or a path.

    Raises:
        LogError: no run has logged a number.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> scalars(example_study()[-1])["name"].unique().tolist()[:1]
        ['loss']
    """
    tables = []
    for log in study.usable:
        wide = log.scalars()
        for name in wide:
            column = wide[name].dropna()
            if column.empty:
                continue
            chosen = column.iloc[
                np.unique(np.linspace(0, len(column) - 1, min(_POINTS, len(column))).round().astype(int))
            ]
            tables.append(
                pd.DataFrame({"run": log.label, "step": chosen.index, "name": name, "value": chosen.to_numpy()})
            )
    if not tables:
        raise LogError("expected numbers logged with the runs, got none; log them by `recorder.log(loss=loss)`")

    return pd.concat(tables, ignore_index=True)


def panel(study: Study) -> Panel:
    """Return the panel of the scalars that most runs have logged, each against the step."""
    table = scalars(study)
    names = table.groupby("name", sort=False)["run"].nunique().nlargest(_SHOWN).index.tolist()
    students = {log.label for log in study.students}

    rows = math.ceil(len(names) / _ACROSS)
    figure, axes = canvas(WIDTH, 0.6 + 1.7 * rows, rows=rows, columns=min(_ACROSS, len(names)))
    for ax, name in zip(axes, names, strict=False):
        draw(table[table["name"] == name], ax, students=students, title=name)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    if students:
        key(figure, [(stroke(VIEWS[0]), "runs without teachers"), (stroke(GOOD), "students")])
    left = table["name"].nunique() - len(names)
    more = f" {left} more are in the table." if left else ""
    return Panel("scalars", "What was logged", f"One thin line a run, bold their median.{more}", table, figure)


def draw(table: pd.DataFrame, ax: Axes, *, students: set[str], title: str = "", axes: Sequence[str] = ()) -> Axes:
    """Return the axes with one thin line a run against the step, and the median of each kind of run in bold.

    Args:
        table: Rows of `scalars` of one name.
        ax: Where to draw.
        students: Labels of the runs with teachers.
        title: What to write above.
        axes: Columns of the table whose entries have a line each in every run.
    """
    for student, colour in ((False, VIEWS[0]), (True, GOOD)):
        rows = table[table["run"].isin(students) == student]
        wide = rows.pivot_table(index="step", columns=["run", *axes], values="value", observed=True)
        thin_lines(ax, wide.interpolate(method="index", limit_area="inside"), colour, bold=1.8)
    ax.set(xlabel="step")
    ax.set_title(title, fontsize=8.5, pad=3)
    ax.margins(x=0)
    spaced(ax, table["value"])
    return ax
