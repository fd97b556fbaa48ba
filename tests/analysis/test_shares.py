import numpy as np
import pytest
from scipy import integrate, special

from probes.analysis.shares import WinShares

COUNTS, RUNS = np.array([0, 1, 1, 3, 4]), 4
SPREADS = np.geomspace(0.5, 1000, 60)


def slow_mean(counts, runs):
    """The posterior mean of each chance: by hand, prior by prior and feature by feature."""
    centre = (sum(counts) + 0.5) / (len(counts) * runs + 1)
    weights, means = [], []
    for spread in SPREADS:
        a, b = spread * centre, spread * (1 - centre)
        weights.append(np.prod([special.beta(a + n, b + runs - n) / special.beta(a, b) for n in counts]))
        means.append([(a + n) / (spread + runs) for n in counts])
    return np.average(means, axis=0, weights=weights)


def test_means_are_those_of_the_posterior():
    assert WinShares(COUNTS, RUNS).mean == pytest.approx(slow_mean(COUNTS.tolist(), RUNS))


def test_one_run_covers_the_mean():
    for free in (False, True):
        shares = WinShares(COUNTS, RUNS, free=free)
        assert shares.coverage(1) == pytest.approx(shares.mean.mean())
        low, high = shares.coverage_interval(1)
        assert low < shares.coverage(1) < high


def test_features_may_have_any_axes():
    flat, square = WinShares(np.array([0, 1, 2, 3]), 4), WinShares(np.array([[0, 1], [2, 3]]), 4)

    assert square.mean.ravel().tolist() == flat.mean.tolist()
    assert square.interval()[0].shape == (2, 2)
    assert square.coverage_interval(2) == flat.coverage_interval(2)


def test_a_free_mean_is_the_integral_over_all_means():
    """One feature of one chance: with the weight of the prior large, the posterior is that of a binomial's mean."""
    shares = WinShares(np.array([6] * 10), 20, free=True)

    def likelihood(p):
        return p**60 * (1 - p) ** 140

    mean = integrate.quad(lambda p: p * likelihood(p), 0, 1)[0] / integrate.quad(likelihood, 0, 1)[0]
    assert shares.mean.mean() == pytest.approx(mean, abs=0.005)


@pytest.mark.parametrize("chance", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("spread", [2.0, 1000.0])
def test_free_intervals_hold_the_truth_in_most_studies(chance, spread):
    draw, held = np.random.default_rng(0), []
    for _ in range(60):
        chances = draw.beta(spread * chance, spread * (1 - chance), 30)
        low, high = WinShares(draw.binomial(6, chances), 6, free=True).coverage_interval(2)
        held.append(low <= (1 - (1 - chances) ** 2).mean() <= high)

    assert np.mean(held) > 0.85
