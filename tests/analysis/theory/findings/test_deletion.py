import numpy as np
import pandas as pd
import pytest

from probes.analysis.intervals import rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.deletion import CLAIMS, deletion, deletion_rates, draw
from probes.errors import LogError
from probes.log.evaluation import Evaluation
from tests.analysis.hand import log_of, race
from tests.analysis.theory.tested import measured

BEFORE = [[1.0, 0.25], [0.75, 1.0]]
AFTER = [[[0.0, 0.25], [0.5, 0.0]], [[0.25, 0.5], [0.75, 0.5]]]  # (class, muted_view, view)
NEURONS = [[2, 1], [3, 4]]
COUNTS = [[8, 4], [4, 12]]


def evaluated(run="a", *, after=AFTER, counts=COUNTS, **facts):
    arrays = {"deletion/before": BEFORE, "deletion/after": after, "deletion/neurons": NEURONS}
    places = [(class_, view) for class_ in (0, 1) for view in (0, 1) for _ in range(counts[class_][view])]
    arrays |= {"single_view/labels": [class_ for class_, _ in places], "single_view/view": [view for _, view in places]}
    evaluation = Evaluation({name: np.array(values) for name, values in arrays.items()})
    return log_of(race([[0], [0, 1]]), run, evaluation=evaluation, **facts)


def test_each_view_is_muted_by_its_own_neurons_and_controlled_by_those_of_the_other():
    table = deletion(evaluated())

    assert list(zip(table["class"], table["view"], strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert table["before"].tolist() == [1.0, 0.25, 0.75, 1.0]
    assert table["after"].tolist() == [AFTER[class_][view][view] for class_ in (0, 1) for view in (0, 1)]
    assert table["control"].tolist() == [AFTER[class_][1 - view][view] for class_ in (0, 1) for view in (0, 1)]


def test_beside_it_stand_what_was_learned_the_neurons_and_the_samples():
    table = deletion(evaluated())

    assert table["learned"].tolist() == [True, False, True, True]
    assert table["neurons"].tolist() == [2, 1, 3, 4]
    assert table["n"].tolist() == [8, 4, 4, 12]
    assert table["lost"].tolist() == [1 - 0, 0.25 - 0, 0.75 - 0.25, 1 - 0.5]


def test_rates_are_pooled_over_samples_with_wilsons_interval():
    rates = deletion_rates(evaluated(role="single"))
    row = rates[~rates["learned"] & (rates["muted"] == "none")].iloc[0]
    whole = rates[rates["learned"] & (rates["muted"] == "credited")].iloc[0]

    assert row[["accuracy", "low", "high", "n"]].tolist() == pytest.approx([*rate(1, 4)])
    assert whole[["accuracy", "low", "high", "n"]].tolist() == pytest.approx([*rate(0 + 1 + 6, 8 + 4 + 12)])


def test_a_feature_without_samples_is_in_no_rate():
    rates = deletion_rates(evaluated(counts=[[0, 0], [0, 3]]))

    assert rates["features"].unique().tolist() == [1]


def test_runs_that_were_not_tested_give_no_row():
    assert deletion([log_of(race([[0], [1]])), evaluated("b")])["run"].unique().tolist() == ["b"]


def test_an_evaluation_of_other_features_is_refused():
    message = (
        r"^run `a`: expected `deletion/before` \(class, view\) and `deletion/after` \(class, muted_view, view\) of 4 "
        r"features, two a class, got \(2, 2\) and \(2, 2\); evaluate the run again$"
    )
    with pytest.raises(LogError, match=message):
        deletion(evaluated(after=AFTER[0]))


def test_the_rule_is_stated():
    assert "(null) without those credited with the other view" in deletion(evaluated()).attrs["rule"]


SINGLES = [log for log in example_study() if log.manifest.role == "single"]


def test_the_credit_is_what_the_muted_lose_and_the_control_does_not():
    table = deletion(SINGLES).query("learned")
    expected = np.mean([(part["control"] - part["after"]).mean() for _, part in table.groupby("run")])

    assert measured(CLAIMS, "deletion.causal", SINGLES)[0].estimate.value == pytest.approx(expected)


def test_control_before_and_after_of_every_view_are_joined():
    table = deletion(SINGLES)
    drawn = np.array([
        line.get_ydata() for line in draw(table, canvas(4, 3)[1][0]).get_lines() if line.get_linewidth() < 1
    ])

    expected = pd.concat([table[~table["learned"]], table[table["learned"]]])[["control", "before", "after"]]
    assert drawn == pytest.approx(expected.to_numpy(float), nan_ok=True)
