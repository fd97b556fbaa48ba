import numpy as np
import pytest

from probes.analysis.findings.learned import learned
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.findings.summary import summary

LOGS = example_study()


def test_there_is_a_row_for_each_role_and_variant():
    table = summary(LOGS).set_index(["role", "variant"])

    assert table["runs"].to_dict() == {
        ("average", ""): 1,
        ("distilled", "stopped"): 1,
        ("self_distilled", "continued"): 1,
        ("self_distilled", "fresh"): 1,
        ("single", ""): 5,
    }
    assert set(table["last_step"]) == {400}


def test_errors_and_shares_are_means_over_runs():
    row = summary(LOGS).set_index("role").loc["single"]
    errors = error_rates(LOGS[-5:]).query("measure == 'test_error_mu'")["error"]
    shares = [learned(log)["learned"].mean() for log in LOGS[-5:]]

    assert row["test_error_mu"] == pytest.approx(np.mean(errors))
    assert row["features_learned"] == pytest.approx(np.mean(shares))
