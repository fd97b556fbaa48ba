import numpy as np
import pytest

from probes.analysis import bounds, deletion, example_study, lottery, phases
from probes.analysis.intervals import bootstrapped, rate
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.induction import CAUSES
from tests.analysis.hand import evaluation_of, log_of, race

LOGS = example_study()
SINGLES = [log for log in LOGS if log.manifest.role == "single"]
RACE = [[0], [1], [0]]


def measured(claim, logs=LOGS):
    (found,) = CAUSES[claim](Evidence(logs))
    return found


def raced(change, run="a"):
    values = race(RACE)
    values[change] = -3 if change[-2:] == (2, 1) else 3
    return log_of(values, run, role="single", evaluation=evaluation_of())


@pytest.mark.parametrize("claim", CAUSES)
def test_every_note_says_what_n_counts_and_whence_the_interval(claim):
    note = measured(claim).note

    assert "n: " in note
    assert "interval: " in note


@pytest.mark.parametrize("claim", CAUSES)
@pytest.mark.parametrize("logs", [[], [log_of(race(RACE), role="other")], [log_of(race(RACE), role="distilled")]])
def test_a_study_without_singles_yields_nothing(claim, logs):
    assert list(CAUSES[claim](Evidence(logs))) == []


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("induction.losing_view", (2, 0, 3, 0, 1)),
        ("induction.off_class", (2, 0, 3, 1, 0)),
        ("induction.negative", (2, 0, 3, 2, 1)),
        ("induction.not_kept_alive", (2, 0, 3, 0, 0)),
    ],
)
def test_one_correlation_at_one_step_puts_its_class_beyond_the_bound(claim, change):
    found = measured(claim, [raced(change), log_of(race(RACE), "b", role="single", evaluation=evaluation_of())])

    assert found.estimate == rate(5, 6)
    assert "(run a, class 0)" in found.note


def test_bounds_are_those_of_the_singles_alone():
    table = bounds(SINGLES).query("bound == 'off_class'")

    assert measured("induction.off_class").estimate == rate(int(table["inside"].sum()), len(table))


def test_the_balance_is_the_largest_over_runs():
    largest = bounds(SINGLES).query("bound == 'balance'").groupby("run")["largest"].max()

    assert measured("induction.balance").estimate == bootstrapped(largest, np.max)


def test_new_features_are_counted_over_all_that_were_missing():
    table = phases(SINGLES)
    expected = rate(int(table["new_features"].sum()), int(table["missing"].sum()))

    assert measured("memorisation.new_features").estimate == expected


def test_coverage_of_pairs_is_set_against_the_lottery():
    table = lottery(SINGLES)
    pairs = [(first, second) for first in range(5) for second in range(first)]
    covered = [
        np.mean([first < won or second < won for first, second in pairs]) for won in table["won"]
    ]  # which of the runs won does not matter
    expected = np.mean(np.array(covered) - (1 - (1 - table["lottery"]) ** 2))

    assert measured("coverage.as_drawn").estimate.value == pytest.approx(expected)


def test_the_credit_is_what_the_control_keeps_and_the_muted_lose():
    table = deletion(SINGLES).query("learned")
    expected = np.mean([(part["control"] - part["after"]).mean() for _, part in table.groupby("run")])

    assert measured("deletion.causal").estimate.value == pytest.approx(expected)
