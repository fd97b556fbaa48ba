import numpy as np
import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.roles import (
    ensemble_members,
    learners,
    race_features,
    race_sets,
    races,
    role_order,
    students,
    variant_order,
    with_role,
)
from probes.errors import LogError
from tests.analysis.hand import log_of, race

STUDY = Study(example_study())


def test_roles_are_given_by_variant():
    found = with_role(STUDY, "self_distilled")

    assert {variant: [log.label for log in logs] for variant, logs in found.items()} == {
        "continued": ["self_distilled-continued-00"],
        "fresh": ["self_distilled-fresh-00"],
    }


@pytest.mark.parametrize("updates", [["stopped", "literal"], ["literal", "stopped"]])
def test_the_update_that_the_recipe_names_first_comes_first(updates):
    recipe = {"runs": {"updates": updates}}
    logs = [log_of(race([[0]]), name, role="distilled", variant=name, recipe=recipe) for name in ("literal", "stopped")]

    assert list(with_role(Study(logs), "distilled")) == updates


def test_the_variant_a_recipe_stands_by_comes_first():
    found = sorted(["another", "literal", "", "stopped"], key=lambda variant: variant_order("distilled", variant))

    assert found == ["stopped", "literal", "", "another"]


def test_roles_are_in_the_order_of_the_theory():
    kinds = [("other", ""), ("self_distilled", "fresh"), ("distilled", ""), ("single", "")]

    assert [role for role, _ in sorted(kinds, key=lambda kind: role_order(*kind))] == [
        "single",
        "distilled",
        "self_distilled",
        "other",
    ]


def test_students_are_the_distilled_and_the_self_distilled():
    assert [log.label for log in students(STUDY)] == [log.label for log in STUDY.students]


def test_an_ensemble_is_made_of_the_singles_or_of_all_runs():
    logs = [log_of(race([[0]]), name) for name in "ab"]

    assert [log.label for log in ensemble_members(STUDY)] == [f"single-{index:02d}" for index in range(5)]
    assert [log.label for log in ensemble_members(Study(logs))] == ["a", "b"]


def linear(kind):
    return Study(log_of(race([[0]] * 3), recipe={"network": {"kind": kind}}))


@pytest.mark.parametrize(("kind", "expected"), [("patch", True), ("tangent", False), ("random_features", False)])
def test_views_race_in_the_network_alone(kind, expected):
    assert races(linear(kind)) is expected
    assert learners(linear(kind)) == [kind]


def test_linear_learners_have_no_race():
    with pytest.raises(LogError) as error:
        race_features(linear("tangent"))

    assert str(error.value) == (
        "expected networks that learn features, got `network.kind` tangent: the features of a linear learner stay as "
        "initialisation drew them, so that errors are all there is to compare"
    )


def test_a_run_without_the_series_of_the_theory_is_refused():
    other = log_of(np.zeros((1, 3, 4)), "b", name="conv1.weight", dims=("neuron", "feature"))
    with pytest.raises(LogError, match=r"^run `b`: expected one series \(class, neuron, feature_class, view\)"):
        race_features(Study([log_of(race([[0], [1]])), other]))


def test_sets_are_in_the_order_of_the_runs_asked_for():
    logs = [log_of(race(views), run) for run, views in {"b": [[0], [1]], "a": [[0, 1], [1]]}.items()]
    study = Study([*logs, log_of(race([[1], [1]]), "c")])

    expected = [[[True, True], [False, True]], [[True, False], [False, True]]]
    assert np.array_equal(race_sets(study, [logs[1], logs[0]]), expected)
