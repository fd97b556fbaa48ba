import math

import pytest

from probes.analysis.intervals import Estimate, difference, mean_of, rate
from probes.analysis.theory.laws import root, samples, student, wilson
from probes.analysis.theory.logits import in_mu


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (3, 20), (20, 20)])
def test_wilsons_law_is_the_interval_of_so_many_more_samples(hits, n):
    assert wilson(rate(hits, n), 7 * n) == pytest.approx(rate(7 * hits, 7 * n), abs=1e-12)


def test_students_law_is_the_interval_of_runs_that_spread_as_much():
    few = mean_of([Estimate(value, value, value, 1) for value in (0.2, 0.4, 0.6)])
    spread = math.sqrt(((0.2 - 0.4) ** 2 + 0 + (0.6 - 0.4) ** 2) / 2)
    quantile = 2.2009851600916384  # Student's t, 11 degrees of freedom, 97.5 %, from a printed table

    reach = quantile * spread / math.sqrt(12)
    assert student(few, 12) == pytest.approx((0.4, 0.4 - reach, 0.4 + reach, 12))


def test_students_law_of_a_difference_keeps_both_shares_of_the_runs():
    few = difference([0.1, 0.3], [0.5, 0.7])
    variance = 2 * 0.1**2  # of either sample
    quantile = 1.972017477833896  # Student's t, 198 degrees of freedom, 97.5 %

    reach = quantile * math.sqrt(variance / 100 + variance / 100)
    assert student(few, 200, lost=2).high - few.value == pytest.approx(reach)


def test_the_law_of_the_root_halves_the_reach_of_four_times_as_many():
    assert root(Estimate(0.0, -0.2, 0.4, 5), 20) == Estimate(0.0, -0.1, 0.2, 20)


def test_the_law_of_samples_promises_no_less_than_there_is_where_one_part_is_without_errors():
    few, many = (in_mu(rate(40 * times, 1000 * times), rate(0, 1000 * times), mu=0.1) for times in (1, 4))

    assert samples(few, 4000).high > many.high


@pytest.mark.parametrize(("hits", "tolerance"), [((0, 0), 0.01), ((40, 40), 0.1)])
def test_the_law_of_samples_is_about_that_of_as_many_more_samples_in_both_parts(hits, tolerance):
    few = in_mu(rate(hits[0], 1000), rate(hits[1], 1000), mu=0.1)
    many = in_mu(rate(4 * hits[0], 4000), rate(4 * hits[1], 4000), mu=0.1)

    assert samples(few, 4000).high - few.value == pytest.approx(many.high - many.value, rel=tolerance)
