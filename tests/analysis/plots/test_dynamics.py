import numpy as np
import pandas as pd
import pytest

from probes.analysis import example_study, forces, margins, phases, plots, timing
from probes.analysis.plots.canvas import INK, canvas

LOGS = example_study()
SINGLE = [log for log in LOGS if log.manifest.role == "single"]


@pytest.fixture
def ax():
    return canvas(5, 4)[1][0]


def test_the_escape_curve_is_that_of_the_theory(ax):
    plots.margins(margins(SINGLE), ax)
    (curve,) = [line for line in ax.get_lines() if line.get_color() == INK]

    ratio = curve.get_xdata()
    assert curve.get_ydata() == pytest.approx(1 / (1 - ratio))


def test_every_class_is_a_dot_beside_the_curve(ax):
    table = margins(SINGLE)
    plots.margins(table, ax)
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]

    assert sum(len(line.get_xdata()) for line in dots) == len(table)


def test_phases_fill_the_steps_of_a_run(ax):
    row = phases(SINGLE[0])
    plots.phases(row, ax)
    ends = [0, *row[["race_end", "growth_end", "last_step"]].iloc[0]]

    assert [bar.get_width() for bar in ax.patches] == np.diff(ends).tolist()


def test_a_phase_whose_end_is_not_known_reaches_to_the_next(ax):
    row = phases(SINGLE[0]).assign(growth_end=pd.array([pd.NA], dtype="Int64"))
    plots.phases(row, ax)

    assert ax.patches[1].get_width() == (row["last_step"] - row["race_end"]).item()
    assert ax.patches[2].get_width() == 0


def test_every_crossing_is_a_tick(ax):
    table = timing(SINGLE[0])
    plots.phases(phases(SINGLE[0]), ax, crossings=table)

    assert len(ax.get_lines()[0].get_xdata()) == table["crossing"].notna().sum()


def test_forces_are_drawn_as_they_add_up(ax):
    table = forces(LOGS[1]).query("`class` == 0 and view == 0")
    plots.forces(table, ax)
    last = {line.get_ydata()[-1] for line in ax.get_lines()[1:]}

    assert last == set(table[table["step"] == table["step"].max()]["cumulative"])


def test_forces_have_a_panel_for_each_kind():
    table = forces(LOGS)
    figure = plots.forces_beside(dict(list(table.groupby("variant"))))

    assert [ax.get_title() for ax in figure.axes] == ["continued", "fresh", "stopped"]
