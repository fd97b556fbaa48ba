import re
from itertools import combinations, product

import numpy as np
import pytest

from probes.analysis import disagreement, ensembles
from probes.errors import LogError
from tests.analysis.findings.test_outputs import GROUPS, SAMPLES, logits_of, run_of, slow_errors
from tests.analysis.general import tap_log


def members(count=4, **options):
    return [run_of(seed, f"m{seed}", **options) for seed in range(count)]


def test_an_ensemble_is_the_mean_of_the_logits():
    table = ensembles(members())
    for row in table.itertuples():
        errors = [np.mean(slow_errors(np.mean([logits_of(seed) for seed in chosen], axis=0)))
                  for chosen in combinations(range(4), row.members)]  # fmt: skip
        assert row.subsets == len(errors)
        assert row.error == pytest.approx(np.mean(errors))
        if row.subsets > 1:
            assert (row.error_low, row.error_high) == pytest.approx(tuple(np.quantile(errors, [0.025, 0.975])))


def test_the_gain_is_that_of_all_over_one():
    table = ensembles(members())
    gains = table["gain"]

    assert gains.isna().tolist() == [True, True, True, False]
    assert gains.iloc[-1] == pytest.approx(table["error"].iloc[0] - table["error"].iloc[-1])
    assert table["low"].iloc[-1] < gains.iloc[-1] < table["high"].iloc[-1]
    assert table["error_low"].iloc[-1] < table["error"].iloc[-1] < table["error_high"].iloc[-1]


def test_groups_have_ensembles_of_their_own():
    table = ensembles(members(groups=GROUPS))
    whole = np.mean([logits_of(seed) for seed in range(4)], axis=0)

    assert table["group"].unique().tolist() == ["all", "even", "odd"]
    last = table[table["members"] == 4].set_index("group")["error"]
    assert last.loc[["even", "odd"]].tolist() == [np.mean(slow_errors(whole, one == GROUPS)) for one in ("even", "odd")]


def test_students_and_stacked_runs_are_no_members_of_ensembles():
    more = [run_of(8, "s", parents=("m0",)), run_of(9, "n", networks=3)]

    assert ensembles([*members(), *more]).equals(ensembles(members()))


@pytest.mark.parametrize("logs", [members(1), members(3, labels=None), [tap_log(np.ones((1, 2, 3)))]])
def test_fewer_than_two_members_are_refused(logs):
    message = "expected outputs with labels of two or more members, runs without parents, got fewer; record more runs"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        ensembles(logs)


def differ(first, second):
    pairs = zip(logits_of(first), logits_of(second), strict=True)
    return sum(max(range(3), key=one.__getitem__) != max(range(3), key=two.__getitem__) for one, two in pairs) / SAMPLES


@pytest.mark.parametrize("labelled", [True, False])
def test_disagreement_is_counted_pair_by_pair_and_needs_no_labels(labelled):
    options = {} if labelled else {"labels": None}
    logs = members(3, **options)
    logs += [run_of(8, "s8", parents=("m0",), **options), run_of(9, "s9", parents=("m0", "m1"), **options)]
    table = disagreement(logs).set_index("pair")["disagreement"]

    taught = {8: {0}, 9: {0, 1}}
    untaught = [(student, one) for student, one in product((8, 9), range(3)) if one not in taught[student]]
    expected = {
        "member and member": [differ(*pair) for pair in combinations(range(3), 2)],
        "student and student": [differ(8, 9)],
        "student and its teacher": [differ(student, one) for student in taught for one in taught[student]],
        "student and untaught run": [differ(*pair) for pair in untaught],
    }  # fmt: skip
    assert table.to_dict() == pytest.approx({pair: np.mean(shares) for pair, shares in expected.items()})


def test_disagreement_has_an_interval_over_runs():
    row = disagreement(members(4)).iloc[0]

    assert row["n"] == 4
    assert row["low"] < row["disagreement"] < row["high"]


def test_one_run_disagrees_with_nobody():
    message = "expected outputs of two or more runs on one set, got fewer; store those of more runs"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        disagreement(members(1))
