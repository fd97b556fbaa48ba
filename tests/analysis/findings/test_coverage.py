import re
from itertools import combinations
from math import comb

import numpy as np
import pytest

from probes.analysis import Study, coverage, uncovered
from probes.analysis.findings.coverage import subsets_of
from probes.errors import LogError
from tests.analysis.findings.test_winners import alternatives
from tests.analysis.general import grown, tap_log

SETS = [{0, 1}, {1, 2}, {0}, {3, 4}]


def members(sets=SETS, **options):
    return [grown(sorted(one), run=f"run-{number}", seed=number, **options) for number, one in enumerate(sets)]


def test_coverage_is_the_mean_over_all_sets_of_members():
    table = coverage(members())
    for row in table.itertuples():
        shares = [len(set().union(*chosen)) / 6 for chosen in combinations(SETS, row.members)]
        assert row.subsets == len(shares) == comb(4, row.members)
        assert row.coverage == pytest.approx(np.mean(shares))
        assert (row.coverage_low, row.coverage_high) == pytest.approx(tuple(np.quantile(shares, [0.025, 0.975])))


def test_the_prediction_lies_within_its_interval_and_rises():
    table = coverage(members())

    assert (table["predicted_low"] <= table["predicted_coverage"]).all()
    assert (table["predicted_coverage"] <= table["predicted_high"]).all()
    assert (np.diff(table["predicted_coverage"]) > 0).all()


def test_independent_features_are_covered_as_their_chances_predict():
    draw = np.random.default_rng(1)
    sets = [set(np.flatnonzero(draw.uniform(size=40) < 0.3)) for _ in range(8)]
    table = coverage([
        grown(sorted(map(int, one)), run=f"{number}", features=40, neurons=40, steps=2)
        for number, one in enumerate(sets)
    ])

    truth = 1 - 0.7 ** table["members"]

    assert table["predicted_coverage"].tolist() == pytest.approx(truth.tolist(), abs=0.08)
    assert ((table["predicted_low"] < truth) & (truth < table["predicted_high"])).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_of_many_sets_some_are_drawn(seed):
    table = coverage(members(), subsets=2, seed=seed)

    assert table["subsets"].tolist() == [2, 2, 2, 1]


def test_drawn_sets_are_different_and_of_their_size():
    drawn = subsets_of(30, 50, np.random.default_rng(0))

    assert len(drawn) <= 20
    for sets in drawn:
        assert len(set(sets)) == len(sets) <= 50
        assert {len(set(one)) for one in sets} == {len(sets[0])}


def test_a_fair_coin_is_expected_only_of_two_alternatives():
    assert coverage(members())["expected"].isna().all()
    assert coverage([alternatives([[0], [0], [0]])])["expected"].isna().all()
    pairs = [tap_log(np.ones((2, 2, 3, 2)), run, axes=("layer", "view")) for run in "abc"]
    assert coverage(pairs)["expected"].tolist() == [0.5, 0.75, 0.875]


def test_students_and_stacked_runs_are_no_members():
    logs = [*members(), grown([0], run="s", parents=("run-0",)), grown([5], run="n", networks=2)]

    assert coverage(logs).equals(coverage(members()))


def test_a_study_of_students_alone_has_no_coverage():
    message = "expected members, runs without parents, that recorded `w`, got none; record some"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        coverage(grown([0], parents=("lost",)))


def test_uncovered_are_the_features_that_no_member_has_with_the_run_that_came_closest():
    table = uncovered(members())

    assert table["feature"].tolist() == [5]
    assert "learned" not in table


def test_closest_is_the_peak_that_is_largest_beside_its_null():
    values = np.full((2, 2, 3), 0.1)
    values[1, 0] = [9, 9, 1]
    small = tap_log(values, "a", null=(("random", "statistic"), np.full((2, 8, 4), 1.0)))
    large = tap_log(values * 4, "b", null=(("random", "statistic"), np.full((2, 8, 4), 8.0)))

    assert uncovered([large, small])[["feature", "run", "peak"]].values.tolist() == [[2, "a", 1.0]]


def test_a_feature_that_is_no_number_anywhere_is_uncovered():
    values = np.full((2, 2, 3), 0.1)
    values[1] = [[9, 9, np.nan]] * 2

    assert uncovered(tap_log(values))["feature"].tolist() == [2]


def test_without_members_nothing_is_uncovered():
    assert uncovered(Study(grown([0], parents=("lost",)))).empty
