"""Agreement of pairs against loops over pairs, and none where nothing is shared."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from probes.analysis.factors.agreement import between, within


def values_of(seed, runs=12, classes=5, shared=0.0, groups=4):
    """What runs prefer: a part that the runs of a group share, and one of their own."""
    draw = np.random.default_rng(seed)
    common, own = draw.normal(size=(groups, classes)), draw.normal(size=(runs, classes))
    gaps = shared * common[np.arange(runs) % groups] + own
    return np.stack([gaps, -gaps], axis=-1) - np.stack([gaps, -gaps], axis=-1).mean(axis=0)


def pairs_of(runs=12, groups=4):
    every = list(combinations(range(runs), 2))
    return [one for one in every if one[0] % groups == one[1] % groups], [
        one for one in every if one[0] % groups != one[1] % groups
    ]


CLUSTERS = [run % 4 for run in range(12)]


def slow(values, pairs, control):
    squares = [np.mean([((values[a] - values[b]) ** 2).sum() for a, b in some]) for some in (pairs, control)]
    return 1 - squares[0] / squares[1]


def test_pairs_are_compared_with_those_that_share_nothing():
    values, (pairs, control) = values_of(0, shared=1.5), pairs_of()
    found = between(values, pairs, control, CLUSTERS)
    parts = [
        slow(values, *([pair for pair in some if group not in {one % 4 for one in pair}] for some in (pairs, control)))
        for group in range(4)
    ]
    reach = stats.t.ppf(0.975, 3) * np.sqrt(3 * np.var(parts))

    assert found.correlation == pytest.approx(slow(values, pairs, control))
    assert (found.low, found.high) == pytest.approx((found.correlation - reach, min(1, found.correlation + reach)))
    signs = [[values[a, class_].argmax() == values[b, class_].argmax() for class_ in range(5)] for a, b in pairs]
    assert found.agree == np.mean(signs)
    assert found.p_value < 0.01


def test_a_shared_part_of_the_variance_is_measured_without_bias_of_few_groups():
    shared = [values_of(seed, shared=1.0) for seed in range(60)]
    found = [between(values, *pairs_of(), CLUSTERS).correlation for values in shared]
    nothing = [between(values_of(seed), *pairs_of(), CLUSTERS).correlation for seed in range(60)]

    assert np.mean(found) == pytest.approx(0.5, abs=0.06)
    assert np.mean(nothing) == pytest.approx(0, abs=0.03)


def test_where_nothing_is_shared_one_in_twenty_is_significant():
    found = [between(values_of(seed), *pairs_of(), CLUSTERS) for seed in range(100)]

    assert np.mean([one.p_value <= 0.05 for one in found]) < 0.12
    assert np.mean([one.null_low <= one.correlation <= one.null_high for one in found]) > 0.85


def test_of_two_groups_the_interval_is_unknown():
    found = between(values_of(0, groups=2), *pairs_of(groups=2), [run % 2 for run in range(12)])

    assert (np.isnan(found.low), np.isnan(found.high)) == (True, True)


def test_early_and_late_are_correlated_run_by_run():
    late = values_of(1)
    early = late + values_of(2)
    found = within(early, late)

    assert found.correlation == pytest.approx(np.corrcoef(early[..., 0].ravel(), late[..., 0].ravel())[0, 1], abs=1e-9)
    assert found.low < found.correlation < found.high
    assert found.p_value == 1 / 1000
    assert found.agree == np.mean(np.sign(early[..., 0]) == np.sign(late[..., 0]))


def test_what_is_early_and_late_of_other_runs_is_chance():
    found = [within(values_of(seed), values_of(seed + 500)) for seed in range(60)]

    assert np.mean([one.p_value <= 0.05 for one in found]) < 0.14
    assert np.mean([one.agree_null for one in found]) == pytest.approx(0.5, abs=0.03)
