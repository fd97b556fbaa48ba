import numpy as np
import pandas as pd
import pytest

from probes.analysis.findings import features
from probes.analysis.intervals import rate
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.growth import CLAIMS, growth, panel
from probes.errors import LogError
from tests.analysis.hand import GROWN, OFF, SMALL, log_of, race
from tests.analysis.theory.tested import measured, run

TEACHERS = [log_of(race([[1], [0], [0]]), "one"), log_of(race([[1], [1], [0]]), "two")]


def student(learned=((0, 1), (0,), (1,)), *, parents=("one", "two"), **facts):
    values = race([list(views) for views in learned], ahead=[0, 0, 1], steps=8)
    values[1:4, 0, 0, 0, 1] = SMALL  # view 1 of class 0 follows at step 4
    return log_of(values, "student", role="distilled", parents=parents, **facts)


def test_every_feature_is__own_taught_and_learned():
    table = growth([student(), *TEACHERS]).set_index(["class", "view"])

    assert table[table["own"]].index.tolist() == [(0, 0), (1, 0), (2, 1)]
    assert table[table["taught"]].index.tolist() == [(0, 1), (1, 0), (1, 1), (2, 0)]
    assert table[table["learned"]].index.tolist() == [(0, 0), (0, 1), (1, 0), (2, 1)]


def test_the_first_step_is_the_first_at_which_the_rule_holds():
    table = growth([student(), *TEACHERS]).set_index(["class", "view"])

    assert table["first_step"].dropna().to_dict() == {(0, 0): 1, (0, 1): 4, (1, 0): 1, (2, 1): 1}
    assert table["strength"].loc[[(0, 1), (1, 1)]].tolist() == pytest.approx([GROWN, SMALL])
    assert table["off_peak"].tolist() == pytest.approx([OFF] * 6)


def test_only_the_students_own_teachers_count():
    table = growth([student(parents=("one",)), *TEACHERS]).set_index(["class", "view"])

    assert table[table["taught"]].index.tolist() == [(0, 1), (1, 0), (2, 0)]


def test_a_teacher_that_is_not_there_is_named():
    message = (
        "run `student`: expected its teachers among the logs, got none called two, three; open the root that holds them"
    )
    with pytest.raises(LogError, match=f"^{message}$"):
        growth([student(parents=("one", "two", "three")), TEACHERS[0]])


def test_a_run_without_teachers_is_no_student():
    assert growth([student(parents=()), *TEACHERS]).empty


def test_the_rule_is_stated():
    assert "taught: learned by at least one teacher" in growth([student(), *TEACHERS]).attrs["rule"]


def test_each_feature_names_the_teachers_that_have_it():
    table = growth([student(), *TEACHERS]).set_index(["class", "view"])

    assert table["teachers"].to_dict() == {
        (0, 0): "",
        (0, 1): "one two",
        (1, 0): "one",
        (1, 1): "two",
        (2, 0): "one two",
        (2, 1): "",
    }
    assert table["teachers_share"].tolist() == [0, 1, 0.5, 0.5, 1, 0]


def test_the_rise_is_from_a_tenth_to_half_of_the_final_strength():
    log = student()
    values = log["correlations"][:]
    values[:, 0, 0, 0, 1] = GROWN * np.array([0, 0.05, 0.1, 0.3, 0.4, 0.55, 0.9, 1])
    table = growth([log_of(values, "student", parents=("one", "two")), *TEACHERS]).set_index(["class", "view"])

    assert table.loc[(0, 1), "rise"] == 5 - 2
    assert table["rise"].isna().tolist() == [False, False, False, True, True, False]


def test_a_student_read_in_pieces_grows_as_one_read_whole(monkeypatch):
    logs = example_study()
    whole = growth(logs)
    monkeypatch.setattr(features, "_TABLE_ROWS", 7 * 12)  # seven steps of six classes with two views

    pd.testing.assert_frame_equal(growth(logs), whole)


def test_features_learned_are_counted_over_runs():
    logs = [run("x", "distilled", views=[[0, 1]] * 3), run("y", "distilled", views=[[0, 1], [0], [0, 1]])]
    (found,) = measured(CLAIMS, "distilled.features_learned", logs)

    assert found.estimate == rate(11, 12)
    assert "largest off-class correlation 0.004, largest strength 5" in found.note


def test_the_panel_sets_students_beside_runs_without_a_teacher():
    found = panel(Study(example_study()))
    titles = [ax.get_title().replace("\n", " ") for ax in found.figure.axes]

    assert titles == ["no teacher", "distilled (stopped)", "self_distilled (continued)", "self_distilled (fresh)"]
    rows = growth(example_study())[["own", "taught", "learned"]].to_numpy(bool)
    asked = [bool(learned) for own, taught, learned in rows if taught and not own]
    assert f"Of {len(asked)} missing features that a teacher had learned, {sum(asked)} were learned." in found.caption


def test_without_students_there_is_no_panel():
    assert panel(Study(TEACHERS)) is None
