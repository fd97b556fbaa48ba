"""The leading factor against a singular value decomposition, halves and clusters against loops."""

from itertools import combinations

import numpy as np
import pytest

from probes.analysis.factors.factor import _halves, factor, gram, reliability, standardised, two_means, upper

ROWS = standardised(np.random.default_rng(0).normal(size=(6, 40)) + np.outer([1, 1, 1, -1, -1, 0], np.arange(40) % 2))


def slow(rows):
    centred = rows - rows.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    return left[:, 0] * values[0], right[0], values[0] ** 2 / (values**2).sum()


def test_a_factor_is_the_first_of_the_decomposition():
    found = factor(ROWS)
    runs, samples, share = slow(ROWS)

    assert found.share == pytest.approx(share)
    assert abs(np.corrcoef(found.runs, runs)[0, 1]) == pytest.approx(1)
    assert abs(np.corrcoef(found.samples, samples)[0, 1]) == pytest.approx(1)
    assert (found.samples.std(), found.runs[np.abs(found.runs).argmax()] > 0) == (pytest.approx(1), True)


def test_runs_that_say_the_same_have_no_factor():
    found = factor(np.tile(ROWS[:1], (3, 1)))

    assert (found.share, found.samples.tolist()) == (0, 40 * [0])


def test_halves_are_compared_by_their_own_factors():
    ways = [(one, tuple({*range(6)} - {*one})) for one in combinations(range(6), 3) if 0 in one]
    slowly = [abs(np.corrcoef(*(slow(ROWS[list(half)])[1] for half in way))[0, 1]) for way in ways]

    assert reliability(gram(ROWS)) == pytest.approx(np.mean(slowly))


@pytest.mark.parametrize("runs", [4, 5, 10, 11, 30])
def test_the_two_halves_of_the_runs_share_none(runs):
    first, second = _halves(runs)

    assert first.shape == second.shape == (len(first), runs // 2)
    assert all(not {*one} & {*other} for one, other in zip(first.tolist(), second.tolist(), strict=True))


def test_of_three_runs_there_are_no_halves():
    assert np.isnan(reliability(gram(ROWS[:3])))


def test_two_clusters_are_the_best_of_all_ways_to_part_an_ordered_coordinate():
    values = np.sort(np.random.default_rng(3).normal(size=15) ** 3)
    within = [((one - one.mean()) ** 2).sum() + ((two - two.mean()) ** 2).sum()
              for one, two in (np.split(values, [place]) for place in range(1, 15))]  # fmt: skip

    assert two_means(values) == pytest.approx(1 - min(within) / ((values - values.mean()) ** 2).sum())
    assert np.flatnonzero(upper(values)).tolist() == list(range(1 + int(np.argmin(within)), 15))


def test_a_normal_coordinate_has_two_over_pi_between_its_clusters():
    assert two_means(np.random.default_rng(0).normal(size=100_000)) == pytest.approx(2 / np.pi, abs=0.005)
    assert two_means(np.zeros(5)) == 0
