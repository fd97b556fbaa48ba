import pickle
from itertools import takewhile

import numpy as np
import pytest

from probes.schedules import at, every, first, logarithmic, parse, window

STEPS = range(2001)

# Each schedule beside the steps it records, listed in the slow obvious way.
FAMILY = {
    "every(1)": (every(), list(STEPS)),
    "every(7)": (every(7), list(range(0, 2001, 7))),
    "first(3)": (first(3), [0, 1, 2, 3]),
    "logarithmic(3)": (logarithmic(3), [0, 1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]),
    "at(5, 50)": (at(50, 5), [5, 50]),
    "window(10, 15, 2)": (window(10, 15, 2), [10, 12, 14]),
    "every(900) | first(2)": (every(900) | first(2), [0, 1, 2, 900, 1800]),
}


@pytest.mark.parametrize("name", FAMILY)
def test_a_schedule_records_the_steps_it_names(name):
    schedule, steps = FAMILY[name]

    assert [step for step in STEPS if schedule(step)] == steps


@pytest.mark.parametrize("name", FAMILY)
def test_the_text_of_a_schedule_makes_it_again(name):
    schedule, _ = FAMILY[name]

    assert parse(str(schedule)) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule  # noqa: S301 - its own bytes


@pytest.mark.parametrize("per_decade", [1, 7, 50])
def test_logarithmic_steps_are_rounded_powers(per_decade):
    powers = (round(10 ** (exponent / per_decade)) for exponent in range(1000))
    expected = {0, *takewhile(lambda step: step <= STEPS[-1], powers)}

    assert {step for step in STEPS if logarithmic(per_decade)(step)} == expected


def test_numpy_steps_count_as_whole_numbers():
    assert str(at(*np.array([3, 4]))) == "at(3, 4)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: every(0), "expected `n` as a whole number >= 1, got 0"),
        (lambda: every(2.5), "expected `n` as a whole number >= 1, got 2.5"),
        (lambda: first(-1), "expected `n` as a whole number >= 0, got -1"),
        (lambda: logarithmic(0), "expected `per_decade` as a whole number >= 1, got 0"),
        (lambda: at([1, 2]), "expected `steps` as a whole number >= 0, got [1, 2]"),
        (lambda: window(5, -1), "expected `stop` as a whole number >= 0, got -1"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match="whole number") as refused:
        call()

    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["", "often", "every(1, 2)", "every(1) |", "never(3)", "every(0.5)"])
def test_a_text_that_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError, match="expected a schedule") as refused:
        parse(text)

    assert str(refused.value) == (
        "expected a schedule such as `every(100) | first(1000)` made of every, first, logarithmic, at, window, "
        f"got `{text}`"
    )
