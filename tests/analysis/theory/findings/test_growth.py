import re

import numpy as np
import pandas as pd
import pytest

from probes.analysis import example_study, features, growth, missing_features
from probes.analysis.taps import frames
from probes.analysis.theory.findings.growth import own_features
from probes.errors import LogError
from tests.analysis.hand import GROWN, OFF, SMALL, log_of, race

TEACHERS = [log_of(race([[1], [0], [0]]), "one"), log_of(race([[1], [1], [0]]), "two")]


def student(learned=((0, 1), (0,), (1,)), *, parents=("one", "two"), **facts):
    values = race([list(views) for views in learned], ahead=[0, 0, 1], steps=8)
    values[1:4, 0, 0, 0, 1] = SMALL  # view 1 of class 0 follows at step 4
    return log_of(values, "student", role="distilled", parents=parents, **facts)


def test_own_features_are_those_the_initialisation_predicts():
    assert own_features(student()).tolist() == [[True, False], [True, False], [False, True]]


def test_a_run_that_continues_has_what_was_learned_at_its_step_0():
    values = race([[0], [1], [0, 1]])[1:]

    assert own_features(log_of(values, continues="before")).tolist() == [[True, False], [False, True], [True, True]]


def test_growth_says_what_is_own_taught_and_learned():
    table = growth(student(), TEACHERS).set_index(["class", "view"])

    assert table[table["own"]].index.tolist() == [(0, 0), (1, 0), (2, 1)]
    assert table[table["taught"]].index.tolist() == [(0, 1), (1, 0), (1, 1), (2, 0)]
    assert table[table["learned"]].index.tolist() == [(0, 0), (0, 1), (1, 0), (2, 1)]


def test_the_first_step_is_the_first_at_which_the_rule_holds():
    table = growth(student(), TEACHERS).set_index(["class", "view"])

    assert table["first_step"].dropna().to_dict() == {(0, 0): 1, (0, 1): 4, (1, 0): 1, (2, 1): 1}
    assert table["strength"].loc[[(0, 1), (1, 1)]].tolist() == pytest.approx([GROWN, SMALL])
    assert table["off_peak"].tolist() == pytest.approx([OFF] * 6)


def test_only_the_students_own_teachers_count():
    table = growth(student(parents=("one",)), TEACHERS).set_index(["class", "view"])

    assert table[table["taught"]].index.tolist() == [(0, 1), (1, 0), (2, 0)]


def test_missing_features_are_those_that_are_not_own():
    table = missing_features(student(), TEACHERS)
    last = table[table["step"] == 7]

    assert list(zip(last["class"], last["view"], last["taught"], strict=True)) == [
        (0, 1, True),
        (1, 1, True),
        (2, 0, True),
    ]
    assert len(table) == 8 * 3


def test_without_teachers_nothing_is_taught():
    assert not missing_features(TEACHERS)["taught"].any()


def test_missing_features_of_a_frame_are_those_of_the_logs():
    logs = [student(), *TEACHERS]
    whole, thin = missing_features(student(), TEACHERS), features(logs, every=3)

    expected = whole[np.isin(whole["step"], [0, 3, 6, 7])]
    found = missing_features(student(), TEACHERS, frame=thin)
    assert found["strength"].tolist() == expected["strength"].tolist()
    assert found["taught"].tolist() == expected["taught"].tolist()


def test_a_frame_that_is_there_gives_the_same_growth():
    frame = features([student(), *TEACHERS], every=4)

    assert growth(student(), TEACHERS, frame=frame).equals(growth(student(), TEACHERS))


def test_a_teacher_that_is_not_there_is_named():
    message = (
        "run `student`: expected its teachers among the logs, got none called two, three; open the root that holds them"
    )
    with pytest.raises(LogError, match=f"^{message}$"):
        growth(student(parents=("one", "two", "three")), TEACHERS[:1])


def test_a_student_without_teachers_is_refused():
    message = "run `student`: expected a student with teachers, got a manifest that names no parents"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        growth(student(parents=()), TEACHERS)


def test_the_rule_is_stated():
    assert "taught: learned by at least one teacher" in growth(student(), TEACHERS).attrs["rule"]


def test_each_feature_names_the_teachers_that_have_it():
    table = growth(student(), TEACHERS).set_index(["class", "view"])

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
    table = growth(log_of(values, "student", parents=("one", "two")), TEACHERS).set_index(["class", "view"])

    assert table.loc[(0, 1), "rise"] == 5 - 2
    assert table["rise"].isna().tolist() == [False, False, False, True, True, False]


def test_a_student_read_in_pieces_grows_as_one_read_whole(monkeypatch):
    logs = example_study()
    whole = growth(logs[1:4], logs)
    monkeypatch.setattr(frames, "_TABLE_ROWS", 7 * 12)  # seven steps of six classes with two views

    pd.testing.assert_frame_equal(growth(logs[1:4], logs), whole)
