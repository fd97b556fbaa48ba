"""Sizes of a factor: right where it is known, and small where rows have nothing in common."""

import numpy as np
import pytest

from probes.analysis.factors.calls import call
from probes.analysis.factors.factor import factor, gram, reliability, standardised
from probes.analysis.factors.gaussian import gaussian_sizes
from probes.analysis.factors.groups import Separation, separation
from probes.analysis.factors.sizes import blocks, flat, sizes

VIEW = np.repeat([1.0, -1.0], 30)
SIDES = np.array([1, -1, 1, -1, 1, -1])


def rows_of(strength, *, seed=0, samples=60):
    noise = np.random.default_rng(seed).normal(size=(len(SIDES), samples))
    return standardised(strength * np.outer(SIDES, VIEW[:samples]) + noise)


def test_a_view_is_large_in_every_size_and_its_interval_holds_the_value():
    found = sizes(rows_of(3.0))

    for size in found[:3]:
        assert size.low <= size.value <= size.high
        assert size.value > 0.85 > size.shuffled
    assert found.p_value == 1 / 200


def test_without_a_view_the_p_value_is_uniform():
    found = [sizes(rows_of(0.0, seed=seed)).p_value for seed in range(40)]

    assert np.mean(np.array(found) <= 0.1) < 0.25
    assert 0.35 < np.mean(found) < 0.65


def test_the_intervals_are_those_of_the_jackknife_over_blocks():
    rows = rows_of(0.7)
    parts = [reliability(gram(standardised(rows[:, one]))) for one in blocks(60, np.random.default_rng(0))]
    reach = 1.96 * np.sqrt(len(parts) - 1) * np.std(parts)
    found = sizes(rows).reliability

    assert (found.low, found.high) == pytest.approx((found.value - reach, min(1, found.value + reach)))


def test_parts_of_a_sample_stay_together():
    part = np.random.default_rng(1).normal(size=5)
    same = sizes(np.einsum("rn,p->rnp", rows_of(0.0), part))

    assert flat(np.ones((2, 3, 4))).shape == (2, 12)
    assert same.share.shuffled == pytest.approx(sizes(rows_of(0.0)).share.shuffled, abs=0.02)


def test_runs_of_gaussian_classes_agree_more_than_shuffled_ones_and_have_no_clusters():
    found = gaussian_sizes(8, 10, 100)

    assert 0.08 < found.reliability < 0.3
    assert found.two_means < 0.66


def test_a_call_counts_right_samples_on_either_side_of_the_others_factor():
    rows = rows_of(3.0)
    right = np.arange(60) % 3 > 0
    right[VIEW > 0] = True
    found = call(right, rows[1:], VIEW)

    assert (found.upper, found.lower, found.difference) == pytest.approx((1, 2 / 3, 1 / 3))
    assert 0 < found.low < found.difference < found.high
    assert found.side == "upper"
    assert call(~right, rows[1:], VIEW).side == "lower"
    assert call(np.ones(60, bool), rows[1:], VIEW).side == ""


def test_a_call_abstains_where_the_others_agree():
    found = call(VIEW > 0, np.tile(rows_of(1.0)[:1], (2, 1)), factor(rows_of(1.0)).samples)

    assert (np.isnan(found.difference), found.side) == (True, "")


def test_groups_are_parted_as_pairs_of_samples_are_ordered():
    draw = np.random.default_rng(0)
    groups = np.array(["a", "b", "both"])[draw.integers(0, 3, 50)]
    coordinate = draw.normal(size=50) + (groups == "b") - (groups == "a")
    found = separation(coordinate, groups)
    pairs = [x > y for x in coordinate[groups == "b"] for y in coordinate[groups == "a"]]

    assert found[:3] == ("b", "a", pytest.approx(np.mean(pairs)))
    assert 0.5 < found.auc_null < found.auc
    assert separation(coordinate, np.full(50, "a"))[:2] == Separation()[:2]
