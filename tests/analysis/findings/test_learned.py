import re

import pandas as pd
import pytest

from probes.analysis import RULE, LearnedRule, example_study, features, learned
from probes.analysis.findings.learned import null_rate
from tests.analysis.hand import GROWN, OFF, log_of, race


def test_the_rule_finds_what_was_grown():
    table = learned(log_of(race([[0], [1], [0, 1], []])))

    assert table.groupby("class")["learned"].agg(list).tolist() == [
        [True, False],
        [False, True],
        [True, True],
        [False, False],
    ]


def test_the_table_is_of_the_last_step():
    assert set(learned(log_of(race([[0], [1]])))["step"]) == {4}


def test_nothing_is_learned_at_initialisation():
    for log in example_study():
        start = features(log, steps=[0])
        assert log.manifest.continues or not RULE(start)["learned"].any()


@pytest.mark.parametrize(("strength", "expected"), [(0.25 * GROWN, True), (0.249 * GROWN, False)])
def test_a_quarter_of_the_typical_winner_is_enough(strength, expected):
    values = race([[0], [0], [0]])
    values[-1, 0, 0, 0, 1] = strength

    assert learned(log_of(values)).query("`class` == 0 and view == 1")["learned"].item() is expected


@pytest.mark.parametrize(("off", "expected"), [(GROWN / 2, False), (0.499 * GROWN, True)])
def test_features_of_other_classes_at_half_the_strength_spoil_it(off, expected):
    values = race([[0], [0], [0]])
    for own in range(3):
        values[-1, own, 0, (own + 1) % 3, :] = off

    assert learned(log_of(values)).query("view == 0")["learned"].tolist() == [expected] * 3


def test_one_wrong_feature_does_not_hide_the_right_ones():
    values = race([[0], [0], [0]])
    values[-1, 0, 0, 2, 1] = 2 * GROWN

    assert learned(log_of(values)).query("view == 0")["learned"].all()


def test_the_typical_winner_is_the_median_over_classes():
    values = race([[0], [0], [0]])
    values[-1, 2, 0, 2, 0] = 100 * GROWN

    assert learned(log_of(values))["learned"].sum() == 3


def test_the_rule_says_itself_in_column_and_attrs():
    table = LearnedRule(share=0.5, margin=3)(features(log_of(race([[0], [1]]))))
    text = (
        "strength >= 0.5 x the run's median winner and > 3 x its median off-class, and > the 99th percentile of its "
        "random directions where it recorded some"
    )

    assert set(table["rule"]) == {text}
    assert table.attrs["rule"] == text


def test_the_input_is_left_as_it_was():
    table = features(log_of(race([[0], [1]])))
    before = table.copy()
    RULE(table)

    pd.testing.assert_frame_equal(table, before)


def test_the_null_rate_counts_off_class_maxima_above_the_share():
    values = race([[0], [0], [0]])
    values[-1, 0, 0, 2, 1] = 0.3 * GROWN

    assert null_rate(features(log_of(values)), rule=RULE)[::3] == (1 / 6, 6)
    assert OFF < 0.25 * GROWN


@pytest.mark.parametrize(("share", "window", "margin"), [(0, 0.1, 2), (1.5, 0.1, 2), (0.5, 0.1, 0.5), (0.5, 0, 2)])
def test_a_rule_out_of_range_is_refused(share, window, margin):
    message = (
        "expected `share` and `window` in (0, 1] and `margin` and `excess` >= 1, got "
        f"{share}, {window}, {margin} and 1.25"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LearnedRule(share=share, margin=margin, window=window)
