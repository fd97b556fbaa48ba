import math

import pytest

from probes.analysis.intervals import rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.pairs import CLAIMS, draw, pairs
from tests.analysis.hand import evaluation_of, log_of, race
from tests.analysis.theory.tested import in_mu, measured, run

CLASSES = 4


def pair(mistakes, *, own=((0,), (0,), (0,), (0,)), teacher=((1,), (1,), (0,), (0,))):
    """A teacher and a student whose union leaves `own` less `teacher` of eight features uncovered."""
    evaluation = evaluation_of(single=range(mistakes), samples=40, classes=CLASSES, mu=0.9)
    return [
        log_of(race([list(views) for views in teacher]), "teacher", role="single"),
        log_of(
            race([list(views) for views in own]),
            "student",
            role="self_distilled",
            variant="fresh",
            parents=("teacher",),
            evaluation=evaluation,
        ),
    ]


def test_the_uncovered_share_is_what_neither_has():
    row = pairs(pair(10)).iloc[0]

    assert row["uncovered"] == 2 / 8  # view 1 of classes 2 and 3
    assert row["excess"] == pytest.approx(10 / 40 - 2 / 8)


@pytest.mark.parametrize(("mistakes", "within"), [(10, True), (25, False), (1, False)])
def test_a_pair_is_within_when_its_interval_contains_the_uncovered_share(mistakes, within):
    single, multi = rate(mistakes, 40), rate(0, 40)
    low, high = single.low, single.value + math.hypot(single.high - single.value, multi.high / 9)

    assert pairs(pair(mistakes))["within"].item() is within
    assert (low <= 0.25 <= high) is within


def test_a_continued_run_is_named_as_the_owner():
    values = race([[0], [0], [1], [1]])[1:]
    facts = {"role": "self_distilled", "variant": "continued", "parents": ("teacher",), "continues": "before"}
    log = log_of(values, "student", evaluation=evaluation_of(single=[0], classes=CLASSES), **facts)

    assert pairs([pair(0)[0], log]).iloc[0][["own_run", "teacher", "uncovered"]].tolist() == ["before", "teacher", 0.0]


def test_a_student_that_was_not_tested_is_left_out():
    teacher, student = pair(3)

    assert pairs([teacher, log_of(race([[0]] * 4), "student", role="self_distilled", parents=("teacher",))]).empty
    assert len(pairs([teacher, student])) == 1


def test_the_excess_is_the_mean_over_pairs():
    teacher = run("t", "single", views=[[1], [0], [0]])  # leaves view 1 of class 2 uncovered by the union
    facts = {"variant": "fresh", "parents": ("t",)}
    logs = [teacher, run("x", "self_distilled", range(5), **facts), run("y", "self_distilled", range(8), **facts)]
    (found,) = measured(CLAIMS, "self_distilled.excess_over_union_mu", logs)
    below = math.hypot(*(mistakes / 30 - in_mu(mistakes).low for mistakes in (5, 8))) / 2

    assert found.estimate.low == pytest.approx(found.estimate.value - below)
    assert found.estimate.value == pytest.approx((5 / 30 + 8 / 30) / 2 - 1 / 6)
    assert "0.167 less 0.167, 0.267 less 0.167" in found.note


def test_pairs_lie_at_uncovered_share_and_error():
    table = pairs(example_study())
    ax = draw(table, canvas(4, 4)[1][0])
    dots = [(*line.get_xdata(), *line.get_ydata()) for line in ax.get_lines()[1:]]

    assert dots == list(zip(table["uncovered"], table["error_mu"], strict=True))
