import pytest

from probes.analysis import example_study
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.panels import PANELS
from tests.analysis.hand import log_of, race

EVIDENCE = Evidence(example_study())


@pytest.mark.parametrize("name", [name for name in PANELS if name != "the race"])
def test_a_panel_says_what_is_drawn_and_holds_its_numbers(name):
    panel = PANELS[name](EVIDENCE)

    assert panel.title.lower() == name
    assert panel.caption.endswith(".")
    assert len(panel.table)
    assert (panel.svg == "") == (panel.figure is None)


@pytest.mark.parametrize("name", [name for name in PANELS if name != "every run"])
def test_a_study_without_runs_has_no_panel(name):
    assert PANELS[name](Evidence([])) is None


def test_the_caption_of_the_winners_counts_what_is_in_the_table():
    log = log_of(race([[0], [1], [0, 1], []], ahead=[0, 0, 0, 0]), role="single")
    caption = PANELS["what was won"](Evidence([log])).caption

    assert "right in 1 of the 2 classes that learned exactly one view (1 learned both, 1 none)" in caption
    assert "0.0% of 8 off-class directions reach the first of these" in caption


def test_the_caption_of_the_growth_counts_what_was_added():
    missing = EVIDENCE.growth.query("~own and taught")

    expected = (
        f"Of {len(missing)} missing features that a teacher had learned, {missing['learned'].sum()} were learned."
    )
    assert expected in PANELS["what distillation added"](EVIDENCE).caption


def test_lines_are_drawn_with_few_hundred_points():
    log = log_of(race([[0], [1]], steps=5000))

    assert PANELS["the race"](Evidence([log])).table["step"].nunique() <= 202
