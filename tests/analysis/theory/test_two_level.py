import random
import statistics

import numpy as np
import pytest

from probes.analysis.intervals import Estimate, bootstrapped, mean_of, rate
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.two_level import two_level

T = {2: 12.706204736432095, 4: 3.182446305284263}  # Student's t, 97.5 %, by the number of seeds, from a table
Z = 1.959963984540054


def of_runs(values):
    return Measurement(bootstrapped(values, np.mean), "", values=list(values))


def known(value, reach):
    return Measurement(Estimate(value, value - reach, value + reach, 1), "")


def slowly(seeds, draws):
    """The same in loops: draw seeds, then runs, one after the other."""
    rng, count = random.Random(1), len(seeds)
    means = [statistics.mean(values) for values in seeds]
    between = statistics.variance(means)
    within = statistics.mean(statistics.variance(values) / len(values) for values in seeds)
    scale = (max(0, 1 - within / between) * count / (count - 1)) ** 0.5
    drawn = []
    for _ in range(draws):
        total = 0.0
        for _ in range(count):
            values = rng.choice(seeds)
            again = statistics.mean(rng.choices(values, k=len(values))) - statistics.mean(values)
            total += scale * (statistics.mean(values) - statistics.mean(means))
            total += again * (len(values) / (len(values) - 1)) ** 0.5
        drawn.append(total / count)
    low, *_, high = statistics.quantiles(drawn, n=40)

    return [statistics.mean(means) + end * T[count] / Z for end in (low, high)]


@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0])
def test_the_interval_is_that_of_loops_over_seeds_and_runs(spread):
    generator = np.random.default_rng(7)
    seeds = [(centre + generator.normal(0, 1, 6)).tolist() for centre in spread * generator.normal(0, 1, 4)]
    found, expected = two_level([of_runs(values) for values in seeds]), slowly(seeds, 8_000)

    assert [found.low, found.high] == pytest.approx(expected, abs=0.05 * (found.high - found.low))


def covered(count, between, within, *, runs=8, studies=250):
    """The share of made studies over seeds whose interval contains the true mean, 0."""
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(studies):
        seeds = [generator.normal(generator.normal(0, between), within, runs) for _ in range(count)]
        found = two_level([of_runs(values) for values in seeds], draws=299)
        hits += found.low <= 0 <= found.high
    return hits / studies


@pytest.mark.parametrize("count", [2, 10])
@pytest.mark.parametrize(("between", "within"), [(1.0, 0.1), (1.0, 3.0), (0.0, 1.0)])
def test_nineteen_of_twenty_intervals_contain_the_truth(count, between, within):
    share = covered(count, between, within)

    assert share >= 0.91
    assert share <= 0.985 or count == 2  # of two seeds with one degree of freedom, an interval is wide


def test_what_seeds_only_summarise_is_covered_as_well():
    generator, hits = np.random.default_rng(5), 0
    for _ in range(300):
        chances = np.clip(generator.normal(0.9, 0.04, 10), 0, 1)
        found = two_level(
            [Measurement(rate(generator.binomial(100, chance), 100), "") for chance in chances], draws=399
        )
        hits += found.low <= 0.9 <= found.high

    assert 0.91 <= hits / 300 <= 0.99


def test_the_interval_of_one_seed_is_its_own_and_not_of_zero_width():
    assert two_level([known(0.5, 0.1)]) == (0.5, 0.4, 0.6, 1)


def test_without_any_spread_the_interval_is_unknown():
    found = two_level([of_runs([0.5, 0.5])] * 3)

    assert (found.value, found.n) == (0.5, 3)
    assert np.isnan([found.low, found.high]).all()


def test_between_seeds_that_are_exact_it_is_about_students_interval():
    values = [0.1, 0.3, 0.2, 0.7, 0.4, 0.5, 0.35, 0.6, 0.25, 0.45]
    found, expected = two_level([known(value, 0) for value in values]), mean_of([known(v, 0).estimate for v in values])

    assert found == pytest.approx(expected, abs=0.02)


def test_of_seeds_that_are_equal_it_is_that_within_them_over_the_root_of_their_number():
    found = two_level([known(0.5, 0.1)] * 4)
    reach = 0.1 / 2 * T[4] / Z

    assert found == pytest.approx((0.5, 0.5 - reach, 0.5 + reach, 4), abs=0.003)


def test_shares_without_a_miss_have_an_interval_that_ends_there():
    found = two_level([Measurement(rate(0, 100), "")] * 5)

    assert (found.value, found.low) == (0.0, 0.0)
    assert 0 < found.high < rate(0, 100).high


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match=r"^expected at least one seed, got none$"):
        two_level([])
