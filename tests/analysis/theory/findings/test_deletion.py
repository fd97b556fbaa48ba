import numpy as np
import pytest

from probes.analysis import deletion, deletion_rates, features
from probes.analysis.intervals import rate
from probes.errors import LogError
from probes.logs.evaluation import Evaluation
from tests.analysis.hand import log_of, race

BEFORE = [[1.0, 0.25], [0.75, 1.0]]
AFTER = [[[0.0, 0.25], [0.5, 0.0]], [[0.25, 0.5], [0.75, 0.5]]]  # (class, muted_view, view)
NEURONS = [[2, 1], [3, 4]]
COUNTS = [[8, 4], [4, 12]]


def evaluated(run="a", *, after=AFTER, **facts):
    arrays = {"deletion/before": BEFORE, "deletion/after": after, "deletion/neurons": NEURONS}
    places = [(class_, view) for class_ in (0, 1) for view in (0, 1) for _ in range(COUNTS[class_][view])]
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
    rates = deletion_rates(deletion(evaluated(role="single")))
    row = rates[~rates["learned"] & (rates["muted"] == "none")].iloc[0]
    whole = rates[rates["learned"] & (rates["muted"] == "credited")].iloc[0]

    assert row[["accuracy", "low", "high", "n"]].tolist() == pytest.approx([*rate(1, 4)])
    assert whole[["accuracy", "low", "high", "n"]].tolist() == pytest.approx([*rate(0 + 1 + 6, 8 + 4 + 12)])


def test_a_feature_without_samples_is_in_no_rate():
    table = deletion(evaluated()).assign(n=[0, 0, 0, 3])

    assert deletion_rates(table)["features"].unique().tolist() == [1]


def test_runs_that_were_not_tested_give_no_row():
    assert deletion([log_of(race([[0]])), evaluated("b")])["run"].unique().tolist() == ["b"]


def test_a_frame_that_is_there_gives_the_same_deletion():
    assert deletion(evaluated(), frame=features(evaluated(), every=2)).equals(deletion(evaluated()))


def test_an_evaluation_of_other_features_is_refused():
    message = (
        r"^run `a`: expected `deletion/before` \(class, view\) and `deletion/after` \(class, muted_view, view\) of 4 "
        r"features, two a class, got \(2, 2\) and \(2, 2\); evaluate the run again$"
    )
    with pytest.raises(LogError, match=message):
        deletion(evaluated(after=AFTER[0]))


def test_the_rule_is_stated():
    assert "(null) without those credited with the other view" in deletion(evaluated()).attrs["rule"]
