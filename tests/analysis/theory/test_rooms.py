"""Laws of every finding of the theory: its columns, its empty table, its panel."""

from importlib import import_module

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from probes.analysis import theory
from probes.analysis.plots.canvas import canvas
from probes.analysis.study import Study
from probes.analysis.theory.contents import OF_KIND, ROOMS
from probes.analysis.theory.example import example_study
from probes.analysis.theory.roles import race_features
from probes.analysis.theory.rooms import rooms_of
from tests.analysis.hand import log_of, race

STUDY, EMPTY = Study(example_study()), Study([])
# What a table has beside the columns that its finding explains.
INDEX = {"run", "role", "variant", "class", "view", "step", "rule"}
TABLES = [(room, table) for room, tables in ROOMS.items() for table in tables]
PANELS = [room for room in rooms_of(STUDY) if hasattr(room, "panel")]


def module(room):
    return import_module(f"probes.analysis.theory.findings.{room}")


def name(room):
    return room.__name__.rpartition(".")[2]


@pytest.mark.parametrize(("room", "table"), TABLES)
def test_every_column_is_explained_where_it_is_made(room, table):
    columns = set(getattr(module(room), table)(STUDY).columns)

    assert columns - INDEX <= set(module(room).COLUMNS)


@pytest.mark.parametrize("room", [room for room, tables in ROOMS.items() if tables])
def test_every_column_that_is_explained_is_in_a_table(room):
    tables = [getattr(module(room), table)(STUDY) for table in ROOMS[room]]

    assert set(module(room).COLUMNS) <= {column for table in tables for column in table.columns}


@pytest.mark.parametrize(("room", "table"), TABLES)
def test_a_table_of_no_runs_has_the_same_columns(room, table):
    made = getattr(module(room), table)

    assert made(EMPTY).empty
    assert list(made(EMPTY).columns) == list(made(STUDY).columns)


@pytest.mark.parametrize("room", PANELS, ids=name)
def test_a_panel_says_what_is_drawn_and_holds_its_numbers(room):
    style = dict(mpl.rcParams)
    panel = room.panel(STUDY)

    assert panel.title
    assert panel.caption.endswith(".")
    assert len(panel.table)
    assert (panel.svg == "") == (panel.figure is None)
    assert dict(mpl.rcParams) == style
    assert plt.get_fignums() == []


# What is drawn, where it is not the finding's own table.
DRAWN = {"escape": "timing", "rises": "growth"}


@pytest.mark.parametrize("room", [room for room in ROOMS if hasattr(module(room), "draw")])
def test_drawing_takes_table_and_axes_and_returns_the_axes(room):
    drawn = DRAWN.get(room, room)
    table = getattr(theory, drawn)(STUDY) if drawn in theory.__all__ else race_features(STUDY)
    before, ax = table.copy(), canvas(5, 4)[1][0]

    assert module(room).draw(table, ax) is ax
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("room", PANELS, ids=name)
def test_axes_say_what_they_show(room):
    figure = room.panel(STUDY).figure
    drawn = [ax for ax in figure.axes if ax.axison] if figure else []

    assert all(ax.get_xlabel() or ax.get_ylabel() or ax.get_yticklabels() for ax in drawn)


@pytest.mark.parametrize("room", PANELS, ids=name)
def test_a_study_without_runs_has_no_panel(room):
    assert room.panel(EMPTY) is None


def test_tables_are_names_of_the_package():
    assert {table for _, table in TABLES} <= set(dir(theory))
    assert all(getattr(theory, table) is getattr(module(room), table) for room, table in TABLES)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match=r"^module 'probes\.analysis\.theory' has no attribute 'nothing'$"):
        theory.nothing  # noqa: B018 - being asked for is what is tested


def test_a_kind_of_recipe_may_have_findings_of_its_own(monkeypatch):
    own = ("probes.analysis.theory.findings.claims", "probes.analysis.theory.findings.margins")
    monkeypatch.setattr("probes.analysis.theory.rooms.OF_KIND", {**OF_KIND, "images": own})
    studies = [Study(log_of(race([[0]]), recipe={"data": {"kind": kind}})) for kind in ("images", "multi_view")]

    assert [name(room) for room in rooms_of(studies[0])] == ["claims", "margins"]
    assert len(rooms_of(studies[1])) == len(ROOMS) > 2
