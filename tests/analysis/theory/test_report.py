import pytest

from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.report import facts, panels
from tests.analysis.hand import evaluation_of, log_of, race


@pytest.fixture(scope="module")
def found():
    return panels(Study(example_study()))


def test_the_three_questions_come_first_then_the_claims_and_the_film(found):
    assert [panel.name for panel in found[0]][:5] == ["winners", "coverage", "growth", "claims", "race_matrix"]


def test_of_the_example_one_claim_is_absent_which_needs_two_distilled_runs(found):
    assert list(found[1]) == ["ensemble_of_distilled.gain_mu"]


def linear(mistake):
    evaluation = evaluation_of(single=[mistake])
    recipe = {"network": {"kind": "tangent"}}
    return log_of(race([[0]] * 3), str(mistake), role="single", recipe=recipe, evaluation=evaluation)


def test_what_cannot_be_made_is_absent_with_its_reason():
    made, absent = panels(Study([linear(0), linear(1)]))

    assert [panel.name for panel in made] == ["claims", "error_rates", "summary"]
    assert made[1].table["error"].tolist() == [0.1, 0.1, 0.2]  # wrong once each, and then a tie
    assert "got `network.kind` tangent: " in absent["winning set"]
    assert "got `network.kind` tangent: " in absent["winners.predicted"]


def test_facts_are_those_that_runs_state():
    assert facts(Study(log_of(race([[0], [1]])))) == {"classes k": "2", "neurons a class m": "5"}
