from itertools import combinations

import numpy as np
import pytest

from probes.analysis import coverage, features, uncovered
from probes.analysis.members import members
from probes.analysis.theory.findings.lottery import WinShares
from probes.errors import LogError
from tests.analysis.hand import evaluation_of, log_of, race

LEARNED = {"a": [[0], [0], [1]], "b": [[0], [1], [1]], "c": [[1], [1], [0, 1]], "d": [[0], [0], [0]]}


def study(**facts):
    return [log_of(race(views), run, role="single", **facts) for run, views in LEARNED.items()]


def slow_coverage(size):
    shares = []
    for chosen in combinations(LEARNED, size):
        known = {(class_, view) for run in chosen for class_, views in enumerate(LEARNED[run]) for view in views}
        shares.append(len(known) / 6)
    return shares


def test_coverage_is_the_mean_over_all_subsets():
    table = coverage(study()).set_index("members")
    for size in range(1, 5):
        assert table.loc[size, "coverage"] == pytest.approx(np.mean(slow_coverage(size)))
        assert table.loc[size, "subsets"] == len(slow_coverage(size))


def test_the_range_is_the_central_share_of_the_subsets():
    row = coverage(study()).iloc[1]
    expected = np.quantile(slow_coverage(2), [0.025, 0.975])

    assert row[["coverage_low", "coverage_high"]].tolist() == pytest.approx(expected.tolist())


def test_the_line_beside_it_is_a_fair_coin():
    assert coverage(study())["expected"].tolist() == [1 / 2, 3 / 4, 7 / 8, 15 / 16]


def test_the_error_is_that_of_the_ensembles():
    mistakes = {"a": [0, 1, 2], "b": [0, 1], "c": [0], "d": []}
    logs = [log_of(race(LEARNED[run]), run, evaluation=evaluation_of(single=wrong)) for run, wrong in mistakes.items()]
    table = coverage(logs)

    assert table["error_mu"].iloc[0] == pytest.approx((0.3 + 0.2 + 0.1 + 0) / 4)
    assert table["error_mu"].iloc[-1] == pytest.approx(0.2)  # sample 0: three against one; sample 1: a tie


def test_without_test_sets_there_is_coverage_but_no_error():
    assert coverage(study())["error_mu"].isna().all()


def test_singles_are_the_members_and_without_singles_all_runs():
    logs = study()
    teacherless = [log_of(race(LEARNED[run]), run) for run in LEARNED]

    assert members([*logs, log_of(race([[0], [0], [0]]), "e", role="distilled")]) == tuple(logs)
    assert len(members(teacherless)) == 4


def test_where_there_are_too_many_subsets_different_ones_are_drawn():
    table = coverage(study(), subsets=4)

    assert table["subsets"].tolist() == [4, 4, 4, 1]
    assert coverage(study(), subsets=4).equals(table)


def test_beyond_twenty_runs_not_every_size_is_measured():
    logs = [log_of(race([[0], [1]]), f"run-{index}") for index in range(40)]
    sizes = coverage(logs, subsets=2)["members"].tolist()

    assert len(sizes) <= 20
    assert (sizes[0], sizes[-1]) == (1, 40)


def test_runs_of_other_sizes_are_refused():
    message = (
        "expected members with the same features, got 4 of run `small` and 6 of run `large`; cover each study by itself"
    )
    with pytest.raises(LogError, match=f"^{message}$"):
        coverage([log_of(race([[0], [1]]), "small"), log_of(race([[0], [1], [1]]), "large")])


def test_a_frame_that_is_there_gives_the_same_coverage():
    assert coverage(study(), frame=features(study(), every=2)).equals(coverage(study()))


def test_the_rule_is_stated():
    assert "mean over all ensembles of K of the 4 runs" in coverage(study()).attrs["rule"]


def test_coverage_by_own_chances_and_by_the_lottery_stand_beside_it():
    table = coverage(study())
    counts = np.array([
        [sum(view in LEARNED[run][class_] for run in LEARNED) for view in (0, 1)] for class_ in range(3)
    ])

    assert table["predicted_coverage"].tolist() == pytest.approx([
        WinShares(counts, 4).coverage(size) for size in range(1, 5)
    ])
    assert (table["predicted_low"] < table["predicted_coverage"]).all()
    assert table["lottery"].isna().all()  # these runs have no moments


def slow_error(covered, misled):
    """Each feature that is not covered is wrong unless none of the others' covered features is in the sample."""
    wrong = 0.0
    for feature in [(class_, view) for class_ in range(3) for view in (0, 1)]:
        others = sum(class_ != feature[0] for class_, _ in covered)
        wrong += 0 if feature in covered else 1 - (1 - misled) ** others
    return wrong / 6


@pytest.mark.parametrize(("sparsity", "misled"), [(1.5, 0.5), (9, 1.0)])
def test_the_error_is_predicted_from_what_is_not_covered(sparsity, misled):
    table = coverage(study(recipe={"data": {"sparsity": sparsity}}))
    sets = [{(class_, view) for class_, views in enumerate(LEARNED[run]) for view in views} for run in LEARNED]

    assert table["error_predicted_mu"].iloc[0] == pytest.approx(np.mean([slow_error(known, misled) for known in sets]))
    assert table["error_predicted_mu"].iloc[-1] == pytest.approx(slow_error(set.union(*sets), misled))


def test_one_view_a_class_saturates_at_half():
    logs = [log_of(race([[0]] * 12), name, recipe={"data": {"sparsity": 3}}) for name in "ab"]

    assert coverage(logs)["error_predicted_mu"].tolist() == pytest.approx([(1 - 0.75**11) / 2] * 2)


def test_uncovered_features_are_those_that_no_member_has():
    logs = study()[::3]  # a and d
    table = uncovered(logs)

    assert list(zip(table["class"], table["view"], strict=True)) == [(0, 1), (1, 1)]
    assert table["null"].tolist() == [0.25, 0.25]
    assert table["run"].isin(["a", "d"]).all()


def test_the_run_that_came_closest_is_named():
    values = race([[0], [0], [0]])
    values[-1, 1, 0, 1, 1] = 0.5
    row = uncovered([*study()[::3], log_of(values, "e", role="single")]).query("`class` == 1").iloc[0]

    assert (row["run"], row["strength"]) == ("e", 0.5)


def test_where_all_is_covered_nothing_is_uncovered():
    assert uncovered(log_of(race([[0, 1], [0, 1]]))).empty
