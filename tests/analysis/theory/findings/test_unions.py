import math

import numpy as np
import pytest

from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.findings.unions import CLAIMS, gain_over_one, unions
from tests.analysis.hand import evaluation_of, log_of, race
from tests.analysis.theory.tested import in_mu, measured, run

TEACHERS = {"one": [[1], [0], [0]], "two": [[1], [1], [0]]}
STUDENTS = {"s": [[0, 1], [0], [0]], "t": [[1], [0, 1], [0]]}


def runs(learned, role="", mistakes=None, **facts):
    return [
        log_of(race(views), run, role=role, evaluation=evaluation_of(single=(mistakes or {}).get(run, ())), **facts)
        for run, views in learned.items()
    ]


def table(**options):
    teachers = runs(TEACHERS, "single", options.pop("taught", None))
    return unions([*runs(STUDENTS, "distilled", parents=("one", "two"), **options), *teachers])


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

    assert np.isnan(unions([student, *runs(TEACHERS)])["gain"].iloc[0])
    assert gain_over_one([ensemble_error([student])], [student]) is None


def test_kinds_of_students_are_apart():
    logs = [
        *runs({"s": STUDENTS["s"]}, "distilled", variant="x", parents=("u",)),
        *runs({"t": STUDENTS["t"]}, "distilled", variant="y", parents=("u",)),
    ]

    assert unions(logs)["variant"].tolist() == ["x", "y"]
    assert unions(logs)["teachers_union"].tolist() == [0, 0]


def test_the_rule_is_stated():
    assert "null: the same of as many of their teachers" in table().attrs["rule"]


def test_the_gain_of_an_ensemble_of_students_is_their_mean_error_less_its_own():
    logs = [run("x", "distilled", [0, 1]), run("y", "distilled", [2]), run("z", "distilled", [3])]
    reach = math.hypot(*((in_mu(mistakes).value - in_mu(mistakes).low) / 3 for mistakes in (2, 1, 1)), in_mu(0).high)
    found = measured(CLAIMS, "ensemble_of_distilled.gain_mu", logs)[0].estimate

    assert (found.value, found.low, found.n) == (pytest.approx(4 / 90), pytest.approx(4 / 90 - reach), 3)
