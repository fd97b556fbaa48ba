import pytest

from probes.analysis import (
    bounds,
    claims,
    coverage,
    deletion,
    error_rates,
    example_study,
    growth,
    learned,
    lessons,
    lottery,
    pairs,
    report,
    summary,
    uncovered,
    unions,
    winners,
)
from probes.analysis.theory.evidence import Evidence
from probes.errors import LogError
from tests.analysis.hand import evaluation_of, log_of, race

LOGS = example_study()


def test_evidence_is_what_the_functions_find():
    evidence = Evidence(LOGS)

    assert evidence.winners.equals(winners(LOGS))
    assert evidence.learned.equals(learned(LOGS))
    assert evidence.coverage.equals(coverage(LOGS))
    assert evidence.pairs.equals(pairs(LOGS))
    assert evidence.error_rates.equals(error_rates(LOGS))
    assert evidence.growth.equals(growth(LOGS[1:4], LOGS))


def test_evidence_of_causes_is_what_the_functions_find():
    evidence, singles = Evidence(LOGS), [log for log in LOGS if log.manifest.role == "single"]

    assert evidence.lottery.equals(lottery(LOGS))
    assert evidence.uncovered.equals(uncovered(LOGS))
    assert evidence.deletion.equals(deletion(LOGS))
    assert evidence.bounds.equals(bounds(singles))
    assert evidence.lessons.equals(lessons(LOGS[1:4], LOGS))
    assert evidence.unions.equals(unions(LOGS[1:4], LOGS))


def test_a_table_is_made_once():
    evidence = Evidence(LOGS)

    assert evidence.winners is evidence.winners


def test_runs_that_failed_are_only_in_the_list_of_runs():
    evidence = Evidence([log_of(race([[0]]), "a"), log_of(race([[0]]), "b", status="failed")])

    assert evidence.runs["run"].tolist() == ["a", "b"]
    assert set(evidence.learned["run"]) == {"a"}


def test_roles_are_given_by_variant():
    found = Evidence(LOGS).with_role("self_distilled")

    assert {variant: [log.manifest.run_id for log in logs] for variant, logs in found.items()} == {
        "continued": ["self_distilled-continued-00"],
        "fresh": ["self_distilled-fresh-00"],
    }


@pytest.mark.parametrize("updates", [["stopped", "literal"], ["literal", "stopped"]])
def test_the_update_that_the_recipe_names_first_comes_first(updates):
    recipe = {"runs": {"updates": updates}}
    logs = [log_of(race([[0]]), name, role="distilled", variant=name, recipe=recipe) for name in ("literal", "stopped")]

    assert list(Evidence(logs).with_role("distilled")) == updates


def test_errors_are_those_of_the_runs_asked_for():
    logs = [
        log_of(race([[0]] * 3), name, evaluation=evaluation_of(single=wrong))
        for name, wrong in {"a": [0], "b": []}.items()
    ]

    assert [error.value for error in Evidence(logs).errors(logs[1:], "single_view_error")] == [0.0]


def linear(kind="tangent"):
    recipe = {"network": {"kind": kind}}
    return [
        log_of(race([[0]] * 3), name, role="single", recipe=recipe, evaluation=evaluation_of(single=[int(name)]))
        for name in "01"
    ]


def test_linear_learners_have_errors_and_no_race():
    evidence = Evidence(linear())
    with pytest.raises(LogError) as error:
        _ = evidence.winners

    assert str(error.value) == (
        "expected networks that learn features, got `network.kind` tangent: the features of a linear learner stay as "
        "initialisation drew them, so that errors are all there is to compare"
    )
    assert [error.value for error in evidence.errors(evidence.logs, "single_view_error")] == [0.1, 0.1]


@pytest.mark.parametrize(("kind", "races"), [("patch", True), ("tangent", False), ("random_features", False)])
def test_views_race_in_the_network_alone(kind, races):
    assert Evidence(linear(kind)).races is races
    assert Evidence(linear(kind)).learners == [kind]


def test_of_linear_learners_claims_about_the_race_are_left_out():
    table = claims(linear())

    assert table["claim"].tolist() == ["single.train_error", "single.test_error_mu", "ensemble.test_error_mu"]
    assert "got `network.kind` tangent: " in table.attrs["left_out"]["winners.predicted"]


def test_the_report_of_linear_learners_is_about_errors():
    found = report(linear())

    assert [panel.name for panel in found.panels] == ["claims", "error_rates", "runs"]
    assert found.panels[1].table["error"].tolist() == [0.1, 0.1, 0.2]  # wrong once each, and then a tie
    assert "got `network.kind` tangent: " in found.absent["what was won"]
    assert "features_learned" not in summary(linear()).dropna(axis=1)
