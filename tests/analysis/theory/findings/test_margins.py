import math

import numpy as np
import pytest

from probes.analysis.plots.canvas import INK, canvas
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.margins import draw, escape_factor, margins
from probes.log.evaluation import Evaluation
from tests.analysis.hand import OFF, SMALL, START, log_of, race


def evaluated(values, q=3, run="a", **facts):
    moment = np.ones((values.shape[1], 2))
    return log_of(values, run, evaluation=Evaluation({"class_view_moment": moment}, {"q": q}), **facts)


def simulated(ratio, q):
    """The growth of the smaller of two numbers that obey x' = x^(q-1), until the larger one has escaped."""
    x, y = 1.0, ratio
    while x < 1e4:
        step = 1e-3 * x ** (2 - q)
        x, y = x + step * x ** (q - 1), y + step * y ** (q - 1)
    return y / ratio


@pytest.mark.parametrize("q", [3, 4])
@pytest.mark.parametrize("ratio", [0.2, 0.7, 0.95])
def test_the_escape_factor_is_that_of_the_race_it_describes(ratio, q):
    assert escape_factor(np.array(ratio), q) == pytest.approx(simulated(ratio, q), rel=0.02)


def test_a_tie_has_no_end():
    assert math.isinf(escape_factor(np.array(1.0), 3))


def test_growth_is_that_of_the_losing_peak():
    values = race([[0], [1]])
    values[-1, 0, 0, 0, 1] = 7 * SMALL
    table = margins(evaluated(values))

    assert table["view"].tolist() == [1, 0]
    assert table["growth"].tolist() == pytest.approx([7.0, 1.0])
    assert table["start"].tolist() == pytest.approx([SMALL, SMALL])


@pytest.mark.parametrize(("q", "expected"), [(3, 2.0), (4, (4 / 3) ** 0.5)])
def test_the_expected_growth_is_the_escape_factor_of_the_ratio(q, expected):
    table = margins(evaluated(race([[0], [1]]), q))

    assert SMALL / START == 0.5
    assert table["expected"].tolist() == pytest.approx([expected] * 2, rel=1e-6)


def test_the_null_is_the_growth_on_features_of_other_classes():
    values = race([[0], [1]])
    values[-1, 0, 0, 1, 1] = 3 * OFF

    assert margins(evaluated(values))["null"].tolist() == pytest.approx([3.0, 1.0])


def test_runs_that_continue_another_have_no_margin():
    assert margins(evaluated(race([[0]]), continues="b")).empty


@pytest.fixture(scope="module")
def drawn():
    table = margins([log for log in example_study() if log.manifest.role == "single"])
    return table, draw(table, canvas(5, 4)[1][0]).get_lines()


def test_the_escape_curve_is_that_of_the_theory(drawn):
    (curve,) = [line for line in drawn[1] if line.get_color() == INK]

    assert curve.get_ydata() == pytest.approx(1 / (1 - curve.get_xdata()))


def test_every_class_is_a_dot_beside_the_curve(drawn):
    dots = [line for line in drawn[1] if line.get_marker() == "o"]

    assert sum(len(line.get_xdata()) for line in dots) == len(drawn[0])
