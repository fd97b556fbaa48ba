"""How features grow, run by run: those learned at the end, the others, and what chance reaches."""

import math

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.features import features, null_source
from probes.analysis.findings.learned import learned
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key, logarithmic, stroke
from probes.analysis.study import Study
from probes.analysis.taps.tap import Tap

__all__ = ["draw", "panel"]

_RUNS, _COLUMNS, _LINES = 6, 3, 48


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of trajectories: the first members and the first students; None where no run has two steps."""
    statistic = "strength" if tap.own_class or not tap.units else "peak"
    excess = 1 if tap.own_class else study.rule.excess
    chosen = _representatives(study, tap)
    table = features(study, tap.name).merge(
        learned(study, tap.name)[["run", *tap.columns, "learned"]], on=["run", *tap.columns]
    )
    table = table[table["run"].isin(chosen)]
    if table["step"].nunique() < 2:
        return None

    rows = math.ceil(len(chosen) / _COLUMNS)
    columns = min(_COLUMNS, len(chosen))
    figure, axes = canvas(WIDTH, 0.7 + 1.7 * rows, rows=rows, columns=columns, sharex=True, sharey=True)
    for ax, run in zip(axes, chosen, strict=False):
        draw(table[table["run"] == run], ax, tap, statistic=statistic, excess=excess, title=run)
        ax.label_outer()
    for ax in axes[len(chosen) :]:
        ax.set_axis_off()
    key(figure, [(stroke(VIEWS[0]), "learned at the end"), (stroke(MUTED), "not learned"), (stroke(INK, 1), "null")])
    caption = (
        f"The {statistic} of features against the step in {len(chosen)} of {len(study.with_tap(tap))} runs, up to "
        f"{_LINES} features each, the largest at the end; dashes: {f'{excess:g} x ' if excess > 1 else ''}the 99th "
        f"percentile of the null ({null_source(study, tap.name) or 'not recorded'})."
    )
    null = "null" if statistic == "strength" else "null_peak"
    shown = table[["run", "step", *tap.columns, statistic, null, "learned"]]
    return Panel("trajectories", "How features grow", caption, shown, figure)


def draw(
    table: pd.DataFrame, ax: Axes, tap: Tap, *, statistic: str = "peak", excess: float = 1, title: str = ""
) -> Axes:
    """Return the axes with one line a feature against the step, those learned at the end in colour, and a null.

    Args:
        table: Table of `features` of one run with the column `learned`, as at its end.
        ax: Where to draw.
        tap: Its tap.
        statistic: Column to draw.
        excess: What the null is multiplied by.
        title: What to write above.
    """
    names = list(tap.columns)
    last = table[table["step"] == table["step"].max()]
    largest = last.nlargest(_LINES, statistic)[[*names, "learned"]]
    for known, colour in ((False, MUTED), (True, VIEWS[0])):
        rows = table.merge(largest.loc[largest["learned"].astype(bool) == known, names], on=names)
        if len(rows):
            wide = rows.pivot_table(index="step", columns=names, values=statistic, observed=True)
            ax.plot(wide.index, wide, color=colour, linewidth=0.8, alpha=0.7)
    null = table.groupby("step")["null" if statistic == "strength" else "null_peak"].median()
    if null.notna().any():
        ax.plot(null.index, excess * null, color=INK, linewidth=1, linestyle="--")

    ax.set(xlabel="step", ylabel=statistic)
    ax.set_title(title, fontsize=8, pad=3)
    ax.margins(x=0)
    if table[statistic].gt(0).all():
        logarithmic(ax)
    return ax


def _representatives(study: Study, tap: Tap) -> list[str]:
    members = [log.label for log in study.with_tap(tap, study.members)]
    students = [log.label for log in study.with_tap(tap, study.students)]
    shown = members[: max(_RUNS // 2, _RUNS - len(students))]

    return [*shown, *students[: _RUNS - len(shown)]]
