import math
import re

import numpy as np
import pytest

from probes.analysis.intervals import largest, rate
from probes.analysis.plots.canvas import canvas
from probes.analysis.rule import RULE
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings.winning_set import CLAIMS, draw, gap_factor, panel, winning_set
from probes.errors import LogError
from probes.log.evaluation import Evaluation
from tests.analysis.hand import GROWN, SMALL, log_of, race, random_values, slow_peak


def with_moment(moment, **attrs):
    return Evaluation({"class_view_moment": np.asarray(moment, dtype=float)}, attrs)


def test_predicted_and_learned_views_are_those_that_were_made():
    table = winning_set(log_of(race([[0], [1], [0, 1], []], ahead=[0, 0, 1, 1])))

    assert table["predicted"].tolist() == [0, 0, 1, 1]
    assert table["learned"].tolist() == ["view 0", "view 1", "both", "none"]
    assert table["agrees"].tolist() == [True, False, False, False]


@pytest.mark.parametrize("q", [3, 4, 6])
def test_m_is_that_of_the_definition(q):
    values, moment = random_values(classes=5, neurons=6), np.random.default_rng(1).uniform(0.2, 1, (5, 2))
    table = winning_set(log_of(values, evaluation=with_moment(moment, q=q)))
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
    table = winning_set(log_of(values, evaluation=with_moment([[1, 1], [4, 1]], q=4)))

    assert table["ratio"].tolist() == pytest.approx([0.5, 1.0])


def test_moments_can_turn_the_prediction():
    table = winning_set(log_of(race([[1], [1]]), evaluation=with_moment([[1, 1], [3, 1]], q=3)))

    assert table["predicted"].tolist() == [1, 0]


def test_without_moments_the_views_count_as_equal():
    equal = winning_set(log_of(race([[0], [1]]), evaluation=with_moment(np.ones((2, 2)), q=3)))

    assert winning_set(log_of(race([[0], [1]]))).equals(equal)


def test_the_gap_factor_is_that_of_the_definition():
    assert gap_factor(6) == 1 + 1 / math.log(6) ** 2
    assert gap_factor(1) == math.inf


def test_one_neuron_has_no_winner():
    assert not winning_set(log_of(race([[0], [1]], neurons=1)))["winner"].any()


def test_a_view_without_rival_is_a_winner():
    values = race([[0], [1]], neurons=1)
    values[0, 0, 0, 0, 1] = -1

    assert winning_set(log_of(values))[["ratio", "winner"]].to_numpy().tolist() == [[0.0, True], [0.5, False]]


def test_a_class_without_any_peak_has_no_winner():
    values = race([[0], [1]])
    values[0, 0, :, 0] = -1

    assert winning_set(log_of(values))["winner"].tolist() == [False, True]


def test_the_losing_share_is_that_of_final_peaks():
    assert winning_set(log_of(race([[0], [1]])))["losing_share"].tolist() == pytest.approx([SMALL / GROWN] * 2)


def test_runs_without_an_initialisation_of_their_own_are_left_out():
    logs = [log_of(race([[0]]), "new"), log_of(race([[0]]), "further", continues="new")]

    assert set(winning_set(logs)["run"]) == {"new"}


def test_the_rule_is_stated():
    table = winning_set(log_of(race([[0], [1]])))

    assert "S^(1/(q-2))" in table.attrs["rule"]
    assert set(table["rule"]) == {str(RULE)}


def test_moments_of_another_shape_are_refused():
    message = "run `a`: expected `class_view_moment` of shape (2, 2) (class, view), got (3, 2); evaluate the run again"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        winning_set(log_of(race([[0], [1]]), evaluation=with_moment(np.ones((3, 2)), q=3)))


def test_a_log_that_begins_late_is_refused():
    with pytest.raises(LogError, match=r"^run `a`: expected step 0, the initialisation"):
        winning_set(log_of(race([[0], [1]]), steps=np.arange(1, 6)))


SINGLES = [log for log in example_study() if log.manifest.role == "single"]


def test_winners_have_one_square_a_class_and_two_triangles_for_a_tie():
    table = winning_set(SINGLES)
    ties = (table["learned"] == "both").sum()

    assert len(draw(table, canvas(5, 4)[1][0]).patches) == len(table) + ties


def test_rings_are_the_classes_outside_m_and_crosses_the_mispredicted():
    table = winning_set(SINGLES).assign(agrees=lambda frame: frame.index != 3)
    rings, crosses = (len(line.get_xdata()) for line in draw(table, canvas(5, 4)[1][0]).get_lines())

    assert rings == (~table["winner"]).sum()
    assert crosses == int(table.loc[3, "learned"] != "both")


def test_the_caption_counts_what_is_in_the_table():
    log = log_of(race([[0], [1], [0, 1], []], ahead=[0, 0, 0, 0]), role="single")
    caption = panel(Study(log)).caption

    assert "right in 1 of the 2 classes that learned exactly one view (1 learned both, 1 none)" in caption
    assert "0.0% of 8 off-class directions reach the first of these" in caption


def measured(claim, logs):
    return list(CLAIMS[claim](Study(logs)))


def test_predictions_are_counted_over_classes_that_learned_one_view():
    values = race([[0], [1], [0, 1], []], ahead=[0, 0, 0, 0])
    found = measured("winners.predicted", [log_of(values, role="single")])[0]

    assert found.estimate == rate(1, 2)
    assert "(1 more learned both, 1 none)" in found.note


def test_the_size_of_m_is_its_share_of_the_classes():
    values = race([[0], [1], [0]])
    values[0, 1, 0, 1] = [1.0, 1.1]  # a lead below the gap factor of five neurons, 1.39

    assert measured("winners.size", [log_of(values, role="single")])[0].estimate == rate(2, 3)


def test_the_losing_view_is_the_largest_of_all_winner_classes():
    logs = [log_of(race([[0], [1], [0]]), name, role="single") for name in "ab"]
    grown = race([[0], [1], [0]])
    grown[-1, 0, 0, 0, 1] = 0.2
    found = measured("losing_view.stays_small", [*logs, log_of(grown, "c", role="single")])[0]

    assert found.estimate == pytest.approx(largest([SMALL / GROWN, SMALL / GROWN, 0.2 / GROWN]))


def test_a_class_that_learned_the_other_view_counts_as_a_losing_view_that_grew():
    log = log_of(race([[1], [0]], ahead=[0, 0]), role="single")

    assert measured("losing_view.stays_small", [log])[0].estimate.value == pytest.approx(GROWN / 0.02)
