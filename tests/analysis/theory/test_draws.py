import numpy as np
import pytest

from probes.analysis.theory.draws import DRAWS
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.lottery import win_chance
from tests.analysis.hand import evaluation_of, log_of, race

# S of the first view is eight times that of the second in all three classes; with q = 3 that is the factor itself.
MOMENTS = np.array([[8.0, 1.0]] * 3)
CHANCE = float(win_chance(8.0, 5))


def run(name, views, role="single", mistakes=(), **facts):
    evaluation = evaluation_of(single=mistakes)
    evaluation.arrays["class_view_moment"] = MOMENTS
    return log_of(race(views), name, role=role, evaluation=evaluation, **facts)


SINGLES = [run("a", [[0], [0], [1]]), run("b", [[0], [0], [0]])]


def measured(claim, logs):
    return list(DRAWS[claim](Evidence(logs)))


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


@pytest.mark.parametrize("claim", DRAWS)
def test_without_moments_there_is_no_chance_to_compare_with(claim):
    logs = [log_of(race([[0], [1]]), name, role=role) for name, role in (("a", "single"), ("b", "self_distilled"))]

    assert measured(claim, logs) == []
