import math

import pytest

from probes.analysis.intervals import Estimate, rate
from probes.analysis.theory.expectations import EXPECTATIONS, Expectation
from probes.analysis.theory.laws import root, student, wilson
from probes.analysis.theory.verdicts import by_chance, chance_said, counted, deciding_n, verdict

HALF = Expectation("it is half", "Theorem 0", 0.45, 0.51, "so")
NAN = float("nan")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.46, 0.50, "holds"),
        (0.45, 0.51, "holds"),
        (0.45 - 1e-15, 0.51 + 1e-15, "holds"),
        (0.44, 0.50, "open"),
        (0.40, 0.60, "open"),
        (0.51, 0.60, "open"),
        (0.52, 0.60, "fails"),
        (0.30, 0.44, "fails"),
        (NAN, NAN, "open"),
    ],
)
@pytest.mark.parametrize("value", [0.0, 0.48, 9.0])
def test_the_interval_decides_and_the_value_does_not(low, high, said, value):
    assert verdict(Estimate(value, low, high, 3), HALF) == said


def test_an_interval_can_lie_in_every_range():
    assert [claim for claim, known in EXPECTATIONS.items() if not known.low < known.high] == []


def test_every_range_reaches_into_what_is_possible():
    for known in EXPECTATIONS.values():
        assert known.possible[0] <= known.low < known.high <= max(known.possible[1], known.high)


@pytest.mark.parametrize("hits", [0, 1, 46, 48, 60])
def test_the_deciding_n_is_the_first_at_which_the_interval_lies_on_one_side(hits):
    found = rate(hits, 100)
    every = (n for n in range(100, 100_000) if verdict(wilson(found, n), HALF) != "open")
    first = next(every)

    assert deciding_n(found, HALF, wilson) == pytest.approx(first if first > 100 else NAN, nan_ok=True)


def test_the_deciding_n_of_runs_knows_that_their_quantile_falls():
    found = Estimate(0.47, 0.42, 0.52, 3)

    assert deciding_n(found, HALF, student) < deciding_n(found, HALF, root)


@pytest.mark.parametrize(
    ("found", "law"),
    [
        (Estimate(0.45, 0.40, 0.50, 10), root),  # the value lies on the edge
        (Estimate(0.47, NAN, NAN, 10), root),
        (Estimate(0.47, 0.40, 0.60, 10), None),
        (Estimate(0.47, 0.46, 0.48, 10), root),  # decided already
    ],
)
def test_where_no_n_decides_there_is_none(found, law):
    assert math.isnan(deciding_n(found, HALF, law))


def test_one_true_claim_in_twenty_fails_by_chance():
    assert by_chance(40) == pytest.approx(2)
    assert chance_said(10) == "Of 10 rows with 95 % intervals up to 0.5 would fail by chance, were every claim true."


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["holds"], "1 of 1 claims hold, none is open, none fails"),
        (["open", "fails"], "0 of 2 claims hold, 1 is open, 1 fails"),
        (["open", "open", "fails", "fails"], "0 of 4 claims hold, 2 are open, 2 fail"),
    ],
)
def test_verdicts_are_counted_in_words(verdicts, said):
    assert counted(verdicts) == said
