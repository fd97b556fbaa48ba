import numpy as np
import pytest

from probes.analysis.shares import WinShares
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.lottery import CLAIMS, lottery, lottery_chances, mean_chances, win_chance
from probes.log.evaluation import Evaluation
from tests.analysis.hand import evaluation_of, log_of, race


def weighed(moment, run="a", q=3, learned=((0,), (1,)), neurons=5):
    evaluation = Evaluation({"class_view_moment": np.array(moment)}, {} if q is None else {"q": q})
    return log_of(race([list(views) for views in learned], neurons=neurons), run, evaluation=evaluation)


@pytest.mark.parametrize(("ratio", "neurons"), [(1.0, 1), (1.1, 4), (0.8, 10), (1.5, 3)])
def test_a_view_wins_as_often_as_in_drawn_races(ratio, neurons):
    first, second = np.random.default_rng(0).normal(size=(2, 200_000, neurons)).max(axis=2)

    assert win_chance(ratio, neurons) == pytest.approx((ratio * first > second).mean(), abs=0.005)


@pytest.mark.parametrize(("q", "power"), [(3, 1), (4, 1 / 2)])
def test_views_are_weighed_by_the_moments(q, power):
    chances = lottery_chances(weighed([[1.2, 1.0], [1.0, 1.0]], q=q))

    first = float(win_chance(1.2**power, 5))
    assert chances[0] == pytest.approx([first, 1 - first])
    assert chances[1] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("log", [log_of(race([[0], [1]])), weighed(np.ones((2, 2)), q=None), weighed(np.ones((3, 2)))])
def test_without_moments_or_exponent_the_lottery_is_not_known(log):
    assert np.isnan(lottery_chances(log)).all()


def test_the_mean_is_over_runs():
    logs = [weighed([[1.2, 1.0], [1.0, 1.0]]), weighed([[1.0, 1.2], [1.0, 1.0]], "b")]

    assert mean_chances(logs) == pytest.approx(np.full((2, 2), 0.5), abs=1e-3)


def test_counts_as_fair_coins_have_them_predict_the_coin():
    counts = np.random.default_rng(1).binomial(50, 0.5, 400)

    assert WinShares(counts, 50).coverage(5) == pytest.approx(1 - 0.5**5, abs=0.005)


def test_features_that_are_always_or_never_won_cover_half_however_many_members():
    shares = WinShares(np.array([0, 50] * 200), 50)

    assert shares.coverage(1) == pytest.approx(0.5, abs=0.01)
    assert shares.coverage(20) == pytest.approx(0.5, abs=0.05)


def test_coverage_is_the_mean_over_drawn_chances():
    shares = WinShares(np.array([1, 4, 9]), 10)
    drawn = np.mean([1 - (1 - chance) ** 3 for chance in shares._chances])
    low, high = shares.coverage_interval(3)

    assert shares.coverage(3) == pytest.approx(drawn, abs=0.01)
    assert low < shares.coverage(3) < high


def test_one_view_a_class_gives_the_formula_of_the_theory():
    chances = np.array([0.2, 0.5, 0.7])
    counts = np.stack([chances, 1 - chances], axis=1) * 1e5
    expected = 1 - np.mean(chances**4 + (1 - chances) ** 4) / 2

    assert WinShares(counts.astype(int), 100_000).coverage(4) == pytest.approx(expected, abs=1e-3)


def test_the_table_counts_who_won():
    logs = [weighed(np.ones((2, 2)), name, learned=views) for name, views in {"a": [[0], [1]], "b": [[0], [0]]}.items()]
    table = lottery(logs)

    assert table["won"].tolist() == [2, 0, 1, 1]
    assert table["runs"].unique().tolist() == [2]
    assert ((table["low"] < table["probability"]) & (table["probability"] < table["high"])).all()
    assert table["probability"].is_monotonic_decreasing is False
    assert "null: 1/2" in table.attrs["rule"]


# S of the first view is eight times that of the second in all three classes; with q = 3 that is the factor itself.
MOMENTS = np.array([[8.0, 1.0]] * 3)
CHANCE = float(win_chance(8.0, 5))


def run(name, views, role="single", mistakes=(), **facts):
    evaluation = evaluation_of(single=mistakes)
    evaluation.arrays["class_view_moment"] = MOMENTS
    return log_of(race(views), name, role=role, evaluation=evaluation, **facts)


SINGLES = [run("a", [[0], [0], [1]]), run("b", [[0], [0], [0]])]


def measured(claim, logs):
    return list(CLAIMS[claim](Study(logs)))


def test_the_favoured_view_is_counted_against_its_chance_run_by_run():
    (found,) = measured("lottery.favoured_view", SINGLES)

    assert found.estimate.value == pytest.approx(np.mean([2 / 3, 1]) - CHANCE)
    assert found.estimate.n == 2
    assert found.note == (
        f"share of 6 classes that learned one view, the one with the larger S: 0.833, less {CHANCE:.3f} by the lottery "
        "of the initialisation; n: runs; interval: bootstrap of the mean over runs"
    )


def test_classes_that_learned_both_views_or_none_do_not_count():
    (found,) = measured("lottery.favoured_view", [run("a", [[0, 1], [], [1]])])

    assert found.estimate.value == pytest.approx(0 - CHANCE)


def test_pairs_are_expected_to_err_where_two_draws_leave_a_view_out():
    pairs = [
        run(f"p{index}", [[0]] * 3, "self_distilled", range(index), variant="v", parents=("a",)) for index in (2, 4)
    ]
    (found,) = measured("lottery.self_distilled_mu", [*SINGLES, *pairs])

    assert found.variant == "v"
    assert found.estimate.value == pytest.approx(np.mean([0.2, 0.4]) - (CHANCE**2 + (1 - CHANCE) ** 2) / 2)


@pytest.mark.parametrize("claim", CLAIMS)
def test_without_moments_there_is_no_chance_to_compare_with(claim):
    logs = [log_of(race([[0], [1]]), name, role=role) for name, role in (("a", "single"), ("b", "self_distilled"))]

    assert measured(claim, logs) == []


EXAMPLE = [log for log in example_study() if log.manifest.role == "single"]


def test_coverage_of_pairs_is_set_against_the_lottery():
    table = lottery(EXAMPLE)
    pairs = [(first, second) for first in range(5) for second in range(first)]
    covered = [
        np.mean([first < won or second < won for first, second in pairs]) for won in table["won"]
    ]  # which of the runs won does not matter
    expected = np.mean(np.array(covered) - (1 - (1 - table["lottery"]) ** 2))

    assert measured("coverage.as_drawn", EXAMPLE)[0].estimate.value == pytest.approx(expected)
