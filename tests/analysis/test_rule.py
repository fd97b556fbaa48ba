import numpy as np
import pytest

from probes.analysis import RULE, LearnedRule, Study, features, learned
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.general import basis, grown, tap_log


def one_level(level, **options):
    """A run whose random directions all reach a level, and whose features reach 1 to 5 at the last step."""
    values = np.full((2, 2, 5), 0.01)
    values[-1, 0] = [1, 2, 3, -4, 5]
    return tap_log(values, null=(("random", "statistic"), np.full((2, 8, 4), level)), **options)


@pytest.mark.parametrize("level", [0.5, 1.599, 1.6, 2.4, 3.2, 5])
def test_a_peak_above_its_null_by_a_quarter_is_learned_whatever_its_sign(level):
    expected = [peak > 1.25 * level for peak in (1, 2, 3, 4, 5)]

    assert learned(one_level(level))["learned"].tolist() == expected


def test_the_excess_can_be_stated():
    assert Study(one_level(1), rule=LearnedRule(excess=3)).learned()["learned"].tolist() == [False] * 3 + [True] * 2


def test_nothing_is_learned_beside_a_null_that_is_not_known():
    table = learned(tap_log(np.full((2, 3, 4), 9.0), steps=[1, 2]))

    assert not table["learned"].any()
    assert table.attrs["rule"] == "peak > 1.25 x a null that is not known"


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (one_level(1), "peak > 1.25 x the 99th percentile of the peaks of random directions at the same step"),
        (grown([0]), "peak > 1.25 x the 99th percentile of the peaks of all features at step 0"),
    ],
)
def test_the_rule_is_printed_with_the_finding(log, text):
    study = Study(log)

    assert study.learned().attrs["rule"] == text
    assert set(study.learned()["rule"]) == {text}
    assert study.winners().attrs["rule"] == text
    assert study.timing().attrs["rule"] == f"{text}, from then on at every step looked at"
    assert study.coverage().attrs["rule"].startswith(f"{text}; mean over all sets of K of the 1 members")


def test_of_a_strength_alone_the_strength_counts():
    series = Series("w", ("feature",), (3,), quantity="reduced")
    values = [[0.1, 0.2, 0.3], [0.1, 5, 0.3]]
    log = memory_log(Manifest("a", (series,)), [0, 1], {"w": values}, directions=basis(("feature",), (3,)))
    table = learned(log)

    assert table["learned"].tolist() == [False, True, False]
    assert table.attrs["rule"] == "strength > 1.25 x the 99th percentile of the strengths of all features at step 0"


def test_what_is_no_number_is_not_learned():
    values = np.full((2, 2, 5), 0.01)
    values[-1, 0] = [9, 9, np.nan, 9, 9]

    assert learned(tap_log(values))["learned"].tolist() == [True, True, False, True, True]


def test_a_feature_that_is_lost_within_the_last_tenth_is_not_stable():
    log = grown([0, 1], steps=101)
    values = np.asarray(log["w"])
    values[95, :, 0] = 0
    table = learned(tap_log(values))

    assert table.loc[table["learned"], "stable"].tolist() == [False, True]


def test_the_input_is_left_as_it_was():
    table = features(grown([0]))
    before = table.copy()
    RULE(table)

    assert table.equals(before)
