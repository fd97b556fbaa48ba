import numpy as np
import pytest

from probes.analysis import lessons
from probes.analysis.intervals import rate
from tests.analysis.hand import log_of, race

ONE = log_of(race([[1], [0], [0, 1]], ahead=[1, 0, 0]), "one")
TWO = log_of(race([[1], [1], [0]]), "two")


def student(learned, *, parents=("one", "two")):
    return log_of(race(learned, ahead=[0, 0, 1]), "student", role="distilled", parents=parents)


def test_a_lesson_is_what_the_teacher_had_and_the_student_lacked():
    table = lessons(student([[0, 1], [0], [1]]), [ONE, TWO]).set_index("teacher")

    assert table["lacked"].to_dict() == {"one": 2, "two": 3}  # (0, 1), (2, 0); and (1, 1) of the second teacher
    assert table["taken_over"].to_dict() == {"one": 1, "two": 1}


def test_the_share_has_wilsons_interval():
    row = lessons(student([[0, 1], [0], [1]]), [ONE, TWO]).iloc[1]

    assert row[["share", "low", "high"]].tolist() == pytest.approx([*rate(1, 3)[:3]])


def test_the_null_is_what_teachers_learn_beside_their_own():
    table = lessons(student([[0, 1], [0], [1]]), [ONE, TWO])

    assert table["null"].tolist() == pytest.approx([(1 / 3 + 0) / 2] * 2)  # one tie, view 1 of class 2 of the first


def test_a_teacher_with_nothing_to_give_has_no_share():
    same = log_of(race([[0], [0], [1]]), "same")
    row = lessons(student([[0], [0], [1]], parents=("same",)), [same]).iloc[0]

    assert (row["lacked"], row["taken_over"]) == (0, 0)
    assert np.isnan(row["share"])


def test_the_rule_is_stated():
    assert "lacked: features that are not the student's own" in lessons(student([[0]] * 3), [ONE, TWO]).attrs["rule"]
