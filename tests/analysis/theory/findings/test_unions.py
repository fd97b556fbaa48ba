import numpy as np
import pytest

from probes.analysis import unions
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.findings.unions import gain_over_one
from tests.analysis.hand import evaluation_of, log_of, race

TEACHERS = {"one": [[1], [0], [0]], "two": [[1], [1], [0]]}
STUDENTS = {"s": [[0, 1], [0], [0]], "t": [[1], [0, 1], [0]]}


def runs(learned, role="", mistakes=None, **facts):
    return [
        log_of(race(views), run, role=role, evaluation=evaluation_of(single=(mistakes or {}).get(run, ())), **facts)
        for run, views in learned.items()
    ]


def table(**options):
    teachers = runs(TEACHERS, "single", options.pop("taught", None))
    return unions(runs(STUDENTS, "distilled", parents=("one", "two"), **options), teachers)


def test_unions_are_those_of_all_students_and_of_all_their_teachers():
    row = table().iloc[0]

    assert (row["runs"], row["features_learned"]) == (2, pytest.approx(4 / 6))
    assert (row["union"], row["teachers_union"]) == (pytest.approx(5 / 6), pytest.approx(4 / 6))
    assert (row["beyond"], row["left"]) == (1, 0)


def test_the_gain_is_what_the_ensemble_errs_less_than_one():
    row = table(mistakes={"s": [0, 1], "t": [0]}).iloc[0]

    assert row["gain"] == pytest.approx(0.15 - 0.2)  # sample 1 is a tie of two: wrong for both together, right for t
    assert row["low"] < row["gain"] < row["high"]


def test_beside_it_stands_the_gain_of_as_many_teachers():
    row = table(taught={"one": [0, 1], "two": [2, 3]}).iloc[0]

    assert row["null"] == pytest.approx(0.2 - 0.4)
    assert row["gain"] == 0


def test_one_student_has_no_gain():
    student = log_of(race([[0], [0], [0]]), "s", role="distilled", parents=("one",), evaluation=evaluation_of())

    assert np.isnan(unions(student, runs(TEACHERS))["gain"].iloc[0])
    assert gain_over_one([ensemble_error([student])], [student]) is None


def test_kinds_of_students_are_apart():
    logs = [
        *runs({"s": STUDENTS["s"]}, "distilled", variant="x"),
        *runs({"t": STUDENTS["t"]}, "distilled", variant="y"),
    ]

    assert unions(logs, [])["variant"].tolist() == ["x", "y"]
    assert unions(logs, [])["teachers_union"].tolist() == [0, 0]


def test_the_rule_is_stated():
    assert "null: the same of as many of their teachers" in table().attrs["rule"]
