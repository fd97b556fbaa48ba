import pytest

from probes.analysis.theory.expectations import EXPECTATIONS

# Every id of the public list, and those that are added to it.
CLAIMS = [
    "single.train_error",
    "single.test_error_mu",
    "ensemble.test_error_mu",
    "distilled.test_error_mu",
    "distilled.features_learned",
    "self_distilled.test_error_mu",
    "self_distilled.excess_over_union_mu",
    "ensemble_of_distilled.gain_mu",
    "winners.predicted",
    "winners.size",
    "losing_view.stays_small",
    "average.gain_mu",
    "induction.losing_view",
    "induction.off_class",
    "induction.negative",
    "induction.not_kept_alive",
    "induction.balance",
    "memorisation.new_features",
    "coverage.as_drawn",
    "deletion.causal",
    "lottery.favoured_view",
    "lottery.self_distilled_mu",
]


def test_every_claim_is_expected():
    assert list(EXPECTATIONS) == CLAIMS


@pytest.mark.parametrize("claim", EXPECTATIONS)
def test_an_expectation_says_what_where_from_and_why(claim):
    expected = EXPECTATIONS[claim]

    assert expected.low <= expected.high
    assert all([expected.statement, expected.source, expected.why])


def test_the_bounds_are_those_of_the_theory_at_finite_size():
    bounds = {claim: (EXPECTATIONS[claim].low, EXPECTATIONS[claim].high) for claim in CLAIMS[:6]}

    assert bounds == {
        "single.train_error": (0, 0.001),
        "single.test_error_mu": (0.45, 0.51),
        "ensemble.test_error_mu": (0, 0.01),
        "distilled.test_error_mu": (0, 0.05),
        "distilled.features_learned": (0.95, 1),
        "self_distilled.test_error_mu": (0, 0.30),
    }
