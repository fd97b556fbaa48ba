import math
from functools import partial

import numpy as np
import pytest

from probes.analysis.intervals import Estimate, bootstrapped, difference, largest, less, mean_of, rate, weighted_sum

Z = 1.959963984540054
T_2 = 4.302652729911275  # Student's t, 2 degrees of freedom, 97.5 %
T_3 = 3.182446305284263


def exactly(value):
    return Estimate(value, value, value, 1)


def test_a_rate_has_wilsons_interval():
    hits, n = 3, 40
    centre = (hits + Z**2 / 2) / (n + Z**2)
    reach = Z / (n + Z**2) * math.sqrt(hits * (n - hits) / n + Z**2 / 4)

    assert rate(hits, n) == pytest.approx((hits / n, centre - reach, centre + reach, n))


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n"):
        rate(1, 0)


def test_a_mean_over_runs_has_students_interval():
    values = [0.1, 0.4, 0.7]
    reach = T_2 * math.sqrt(sum((value - 0.4) ** 2 for value in values) / 2) / math.sqrt(3)

    assert mean_of([exactly(value) for value in values]) == pytest.approx((0.4, 0.4 - reach, 0.4 + reach, 3))


def test_runs_that_are_all_equal_keep_the_interval_of_one():
    assert mean_of([rate(1, 10), rate(1, 10)]) == (*rate(1, 10)[:3], 2)


def test_a_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^expected at least one estimate, got none$"):
        mean_of([])


def test_a_weighted_sum_adds_the_reaches_as_variances():
    found = weighted_sum([Estimate(1.0, 0.7, 1.1, 50), Estimate(2.0, 1.9, 2.2, 20)], [1.0, 2.0])

    assert found == pytest.approx((5.0, 5 - math.hypot(0.3, 0.2), 5 + math.hypot(0.1, 0.4), 20))


def test_a_difference_of_two_estimates_recovers_their_variances():
    first, second = Estimate(0.8, 0.5, 0.9, 10), Estimate(0.3, 0.2, 0.7, 20)
    below, above = math.sqrt(0.3**2 + 0.4**2), math.sqrt(0.1**2 + 0.1**2)

    assert less(first, second) == pytest.approx((0.5, 0.5 - below, 0.5 + above, 10))


def test_a_difference_to_what_is_exactly_known_keeps_its_interval():
    assert less(Estimate(0.8, 0.5, 0.9, 10), exactly(0.3)) == pytest.approx((0.5, 0.2, 0.6, 1))


def test_a_difference_has_the_interval_of_equal_spread():
    first, second = [1.0, 2.0, 3.0], [4.0, 8.0]
    pooled = (2.0 + 8.0) / 3
    reach = T_3 * math.sqrt(pooled * (1 / 3 + 1 / 2))

    assert difference(first, second) == pytest.approx((-4.0, -4 - reach, -4 + reach, 5))


def test_a_difference_to_one_run_is_a_prediction_interval():
    first = [1.0, 2.0, 3.0]
    reach = T_2 * math.sqrt(1.0 * (1 / 3 + 1))

    assert difference(first, [2.5]) == pytest.approx((-0.5, -0.5 - reach, -0.5 + reach, 4))


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0]), ([], [1.0, 2.0, 3.0])])
def test_a_difference_without_spread_is_refused(first, second):
    message = f"expected two samples with three runs or more together, got {len(first)} and {len(second)}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        difference(first, second)


def test_the_bootstrap_follows_its_distribution():
    values = np.arange(1.0, 6.0)
    found = bootstrapped(values, np.max)
    chance = [(rank / 5) ** 5 for rank in range(1, 6)]  # that the largest of 5 draws is at most the rank-th value

    assert found.low == values[next(rank for rank, below in enumerate(chance) if below > 0.025)]
    assert (found.value, found.high, found.n) == (5.0, 5.0, 5)


@pytest.mark.parametrize("estimate", [partial(bootstrapped, statistic=np.mean), largest])
@pytest.mark.parametrize("values", [[0.3], [0.25, 0.25, 0.25]])
def test_runs_that_do_not_differ_have_no_interval(estimate, values):
    found = estimate(values)

    assert (found.value, found.n, found.reach()) == (values[0], len(values), "interval unknown")
    assert np.isnan([found.low, found.high]).all()


def test_a_difference_of_runs_that_do_not_differ_has_no_interval():
    found = difference([0.25, 0.25], [0.25])

    assert (found.value, found.n) == (0.0, 3)
    assert np.isnan([found.low, found.high]).all()


def test_the_interval_of_a_largest_value_holds_the_largest_of_other_runs():
    draw = np.random.default_rng(1)
    held = []
    for seed in range(1000):
        sample, others = draw.normal(size=(2, 6))
        found = largest(sample, draws=999, seed=seed)
        held.append(found.low <= others.max() <= found.high)
        assert found.value == max(sample) < found.high

    assert np.mean(held) == pytest.approx(0.95, abs=0.03)
