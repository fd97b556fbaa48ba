import pytest

from probes.analysis.study import Study
from probes.analysis.theory.teaching import own_features, taught_by, teachers_of
from probes.errors import LogError
from tests.analysis.hand import log_of, race

STUDENT = log_of(race([[0, 1], [0], [1]], ahead=[0, 0, 1]), "student", role="distilled", parents=("two", "one"))
TEACHERS = [log_of(race([[1], [0], [0]]), "one"), log_of(race([[1], [1], [0]]), "two")]


def own_of(log):
    return own_features(Study(log), log)


def test_own_features_are_those_the_initialisation_predicts():
    assert own_of(STUDENT).tolist() == [[True, False], [True, False], [False, True]]


def test_a_run_that_continues_has_what_was_learned_at_its_step_0():
    values = race([[0], [1], [0, 1]])[1:]

    assert own_of(log_of(values, continues="before")).tolist() == [[True, False], [False, True], [True, True]]


def test_what_was_taught_has_a_column_for_each_teacher_in_the_students_order():
    table = taught_by(Study([STUDENT, *TEACHERS]), STUDENT)

    assert table.columns.tolist() == ["two", "one"]
    assert table.index[table["one"]].tolist() == [(0, 1), (1, 0), (2, 0)]
    assert table.index[table["two"]].tolist() == [(0, 1), (1, 1), (2, 0)]


def test_a_teacher_that_is_not_there_is_named():
    message = "run `student`: expected its teachers among the logs, got none called two; open the root that holds them"
    with pytest.raises(LogError, match=f"^{message}$"):
        teachers_of(Study([STUDENT, TEACHERS[0]]), STUDENT)
