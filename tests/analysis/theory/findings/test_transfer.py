import numpy as np
import pytest

from probes.analysis.intervals import rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.transfer import draw, transfer
from tests.analysis.hand import log_of, race

ONE = log_of(race([[1], [0], [0, 1]], ahead=[1, 0, 0]), "one")
TWO = log_of(race([[1], [1], [0]]), "two")


def student(learned, *, parents=("one", "two")):
    return log_of(race(learned, ahead=[0, 0, 1]), "student", role="distilled", parents=parents)


def test_a_student_can_take_over_what_the_teacher_had_and_it_lacked():
    table = transfer([student([[0, 1], [0], [1]]), ONE, TWO]).set_index("teacher")

    assert table["lacked"].to_dict() == {"one": 2, "two": 3}  # (0, 1), (2, 0); and (1, 1) of the second teacher
    assert table["taken_over"].to_dict() == {"one": 1, "two": 1}


def test_the_share_has_wilsons_interval():
    row = transfer([student([[0, 1], [0], [1]]), ONE, TWO]).iloc[1]

    assert row[["share", "low", "high"]].tolist() == pytest.approx([*rate(1, 3)[:3]])


def test_the_null_is_what_teachers_learn_beside_their_own():
    table = transfer([student([[0, 1], [0], [1]]), ONE, TWO])

    assert table["null"].tolist() == pytest.approx([(1 / 3 + 0) / 2] * 2)  # one tie, view 1 of class 2 of the first


def test_a_teacher_with_nothing_to_give_has_no_share():
    same = log_of(race([[0], [0], [1]]), "same")
    row = transfer([student([[0], [0], [1]], parents=("same",)), same]).iloc[0]

    assert (row["lacked"], row["taken_over"]) == (0, 0)
    assert np.isnan(row["share"])


def test_the_rule_is_stated():
    assert "lacked: features that are not the student's own" in transfer([student([[0]] * 3), ONE, TWO]).attrs["rule"]


def test_every_student_has_a_row_with_how_many_of_how_many():
    table = transfer(example_study())
    ax = draw(table, canvas(6, 4)[1][0])

    sums = {run: rows[["taken_over", "lacked"]].sum() for run, rows in table.groupby("run", sort=False)}
    counts = [f"{taken} of {lacked}" for taken, lacked in sums.values()]
    assert [label.get_text() for label in ax.child_axes[0].get_yticklabels()] == counts
    assert [label.get_text().split(" from ")[0] for label in ax.get_yticklabels()] == list(sums)
    assert "from 5 teachers" in ax.get_yticklabels()[0].get_text()
