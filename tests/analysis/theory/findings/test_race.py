import numpy as np
import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings import race as room
from tests.analysis.hand import log_of, race, random_values

STUDY = Study(example_study())


@pytest.fixture(scope="module")
def panel():
    return room.panel(STUDY)


def test_the_films_are_of_the_first_run_of_every_kind(panel):
    kinds = ["single", "distilled-stopped", "self_distilled-continued", "self_distilled-fresh"]

    assert [film.run for film in panel.replays] == [f"{kind}-00" for kind in kinds]
    assert panel.replays[1].title == "distilled, stopped: distilled-stopped-00"


def test_the_table_holds_the_last_correlations_of_every_film(panel):
    cell = panel.table.query("run == 'single-00' and `class` == 2 and neuron == 1 and feature_class == 3 and view == 1")
    log = next(log for log in STUDY.usable if log.label == "single-00")

    assert cell["step"].item() == 400
    assert cell["correlation"].item() == np.asarray(log["correlations"])[-1, 2, 1, 3, 1]


def test_runs_without_a_role_show_the_first():
    found = room.panel(Study([log_of(race([[0], [1]]), name) for name in "ab"]))

    assert [film.title for film in found.replays] == ["a"]


def test_a_study_without_runs_has_no_film():
    assert room.panel(Study([])) is None


def test_films_that_do_not_fit_are_named(monkeypatch):
    monkeypatch.setattr("probes.analysis.theory.findings.race.REPLAY_BUDGET", 1)
    found = room.panel(STUDY)

    assert len(found.replays) == 1
    assert "no room for distilled-stopped-00, self_distilled-continued-00, self_distilled-fresh-00." in found.caption


def test_classes_that_are_not_shown_are_counted():
    found = room.panel(Study([log_of(random_values(steps=2, classes=30, neurons=20))]))

    assert "Shown: the first 12 of 30 classes." in found.caption
