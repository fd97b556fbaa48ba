import math
import re

import numpy as np
import pytest

from probes.analysis import RULE, features, winners
from probes.analysis.theory.findings.winning_set import gap_factor
from probes.errors import LogError
from probes.logs.evaluation import Evaluation
from tests.analysis.hand import GROWN, SMALL, log_of, race, random_values, slow_peak


def with_moment(moment, **attrs):
    return Evaluation({"class_view_moment": np.asarray(moment, dtype=float)}, attrs)


def test_predicted_and_learned_views_are_those_that_were_made():
    table = winners(log_of(race([[0], [1], [0, 1], []], ahead=[0, 0, 1, 1])))

    assert table["predicted"].tolist() == [0, 0, 1, 1]
    assert table["learned"].tolist() == ["view 0", "view 1", "both", "none"]
    assert table["agrees"].tolist() == [True, False, False, False]


@pytest.mark.parametrize("q", [3, 4, 6])
def test_m_is_that_of_the_definition(q):
    values, moment = random_values(classes=5, neurons=6), np.random.default_rng(1).uniform(0.2, 1, (5, 2))
    table = winners(log_of(values, evaluation=with_moment(moment, q=q)))
    for class_ in range(5):
        members = []
        for view in range(2):
            rival = slow_peak(values, 0, class_, 1 - view) * (moment[class_, 1 - view] / moment[class_, view]) ** (
                1 / (q - 2)
            )
            members += [view] if slow_peak(values, 0, class_, view) >= rival * (1 + 1 / math.log(6) ** 2) else []
        row = table.iloc[class_]
        assert ([row["predicted"]] if row["winner"] else []) == members


def test_the_ratio_is_the_losing_over_the_winning_side():
    values = race([[0], [1]])
    table = winners(log_of(values, evaluation=with_moment([[1, 1], [4, 1]], q=4)))

    assert table["ratio"].tolist() == pytest.approx([0.5, 1.0])


def test_moments_can_turn_the_prediction():
    table = winners(log_of(race([[1], [1]]), evaluation=with_moment([[1, 1], [3, 1]], q=3)))

    assert table["predicted"].tolist() == [1, 0]


def test_without_moments_the_views_count_as_equal():
    equal = winners(log_of(race([[0], [1]]), evaluation=with_moment(np.ones((2, 2)), q=3)))

    assert winners(log_of(race([[0], [1]]))).equals(equal)


def test_the_gap_factor_is_that_of_the_definition():
    assert gap_factor(6) == 1 + 1 / math.log(6) ** 2
    assert gap_factor(1) == math.inf


def test_one_neuron_has_no_winner():
    assert not winners(log_of(race([[0], [1]], neurons=1)))["winner"].any()


def test_a_view_without_rival_is_a_winner():
    values = race([[0], [1]], neurons=1)
    values[0, 0, 0, 0, 1] = -1

    assert winners(log_of(values))[["ratio", "winner"]].to_numpy().tolist() == [[0.0, True], [0.5, False]]


def test_a_class_without_any_peak_has_no_winner():
    values = race([[0], [1]])
    values[0, 0, :, 0] = -1

    assert winners(log_of(values))["winner"].tolist() == [False, True]


def test_the_losing_share_is_that_of_final_peaks():
    assert winners(log_of(race([[0], [1]])))["losing_share"].tolist() == pytest.approx([SMALL / GROWN] * 2)


def test_runs_without_an_initialisation_of_their_own_are_left_out():
    logs = [log_of(race([[0]]), "new"), log_of(race([[0]]), "further", continues="new")]

    assert set(winners(logs)["run"]) == {"new"}


def test_a_frame_that_is_there_gives_the_same_winners():
    log = log_of(race([[0], [1], [0, 1]]))

    assert winners(log, frame=features(log)).equals(winners(log))


def test_the_rule_is_stated():
    table = winners(log_of(race([[0], [1]])))

    assert "S^(1/(q-2))" in table.attrs["rule"]
    assert set(table["rule"]) == {str(RULE)}


def test_moments_of_another_shape_are_refused():
    message = "run `a`: expected `class_view_moment` of shape (2, 2) (class, view), got (3, 2); evaluate the run again"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        winners(log_of(race([[0], [1]]), evaluation=with_moment(np.ones((3, 2)), q=3)))


def test_a_log_that_begins_late_is_refused():
    with pytest.raises(LogError, match=r"^run `a`: expected step 0, the initialisation"):
        winners(log_of(race([[0], [1]]), steps=np.arange(1, 6)))
