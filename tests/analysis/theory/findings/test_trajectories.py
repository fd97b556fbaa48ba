import pytest

from probes.analysis.findings.features import features
from probes.analysis.plots.canvas import VIEWS, canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.trajectories import PANELS, draw, draw_classes
from tests.analysis.hand import log_of, race

LOG = example_study()[-1]
ONE_CLASS = features(LOG).query("`class` == 0")


@pytest.fixture
def lines():
    return draw(ONE_CLASS, canvas(5, 4)[1][0]).get_lines()


def test_each_view_is_drawn_in_its_colour(lines):
    for view, line in enumerate(lines[1:]):
        assert line.get_color() == VIEWS[view]
        assert line.get_ydata().tolist() == ONE_CLASS.loc[ONE_CLASS["view"] == view, "strength"].tolist()


def test_the_null_is_drawn_beside_them(lines):
    assert lines[0].get_ydata().tolist() == ONE_CLASS.groupby("step")["off_strength"].max().tolist()


def test_every_class_has_a_panel():
    figure = draw_classes(features(LOG))

    assert [ax.get_title() for ax in figure.axes if ax.axison] == [f"class {class_}" for class_ in range(6)]


def test_the_first_run_of_each_role_is_shown():
    found = [build(Study(example_study())) for build in PANELS]

    assert [panel and (panel.name, set(panel.table["run"])) for panel in found] == [
        ("race_single", {"single-00"}),
        ("race_distilled", {"distilled-stopped-00"}),
        None,
    ]


def test_lines_are_drawn_with_few_hundred_points():
    found = PANELS[-1](Study(log_of(race([[0], [1]], steps=5000))))

    assert found.name == "race"
    assert found.table["step"].nunique() <= 202
