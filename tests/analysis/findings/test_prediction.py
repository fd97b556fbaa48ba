from itertools import product

import numpy as np
import pytest

from probes.analysis import prediction
from probes.analysis.findings.prediction import _area_interval, said
from tests.analysis.findings.test_winners import alternatives
from tests.analysis.general import grown, tap_log

EMPTY = "What the initialisation predicts cannot be measured: nothing was won, everything, or step 0 is missing."


def slow_area(peaks, known):
    """The share of pairs, one learned and one not, of which the learned one has the larger peak; ties count half."""
    pairs = list(product(peaks[known], peaks[~known]))
    return sum((one > other) + 0.5 * (one == other) for one, other in pairs) / len(pairs)


def random_run(seed, *, features=12, informed=False):
    """A run in which half of the features grow: those ahead at step 0, or whichever."""
    draw = np.random.default_rng(seed)
    start = draw.normal(size=(4, features)).round(1)
    order = np.abs(start).max(axis=0).argsort()[::-1] if informed else draw.permutation(features)
    values = np.stack([start, start])
    values[1, 0, order[: features // 2]] = 50
    return tap_log(values, f"run-{seed}")


def test_the_area_is_that_of_counted_pairs():
    logs = [random_run(seed) for seed in range(4)]
    areas = []
    for log in logs:
        start, end = (np.abs(np.asarray(log["w"])[row]).max(axis=0) for row in (0, 1))
        areas.append(slow_area(start, end > 40))
    row = prediction(logs).iloc[0]

    assert row["measure"] == "auc"
    assert row["value"] == pytest.approx(np.mean(areas))
    assert (row["n"], row["chance"]) == (4, 0.5)
    assert row["low"] <= row["value"] <= row["high"]


def test_the_accuracy_is_that_of_races_with_one_winner():
    logs = [
        alternatives([[0], [1], [2]], ahead=[0, 0, 2], run="a"),
        alternatives([[1], [1, 2], []], ahead=[1, 1, 1], run="b"),
        alternatives([[2], [2], [2]], ahead=[2, 2, 0], run="c"),
    ]
    row = prediction(logs).iloc[0]

    assert row["measure"] == "accuracy"
    assert (row["value"], row["n"], row["chance"]) == (pytest.approx(5 / 7), 7, 1 / 3)
    assert row["low"] < row["value"] < row["high"]


def test_what_is_ahead_and_wins_is_predicted():
    row = prediction([random_run(seed, informed=True) for seed in range(6)]).iloc[0]

    assert row["value"] > 0.95
    assert row["p_value"] <= 0.001
    assert row["null_high"] < 0.8


@pytest.mark.parametrize("runs", [1, 2, 6])
def test_where_nothing_is_predicted_small_p_values_are_rare(runs):
    found = [prediction([random_run(100 * draw + run) for run in range(runs)])["p_value"][0] for draw in range(12)]

    assert np.median(found) > 0.15
    assert sum(p < 0.05 for p in found) <= 3


def test_a_feature_that_is_easy_for_every_run_predicts_nothing():
    """Every run has the same features ahead, and learns these: the peaks of any other run say as much."""
    logs = [grown([0, 1, 2], ahead=[0, 1, 2], run=f"run-{seed}", seed=seed) for seed in range(5)]
    row = prediction(logs).iloc[0]

    assert row["value"] == 1
    assert row["p_value"] > 0.5


@pytest.mark.parametrize("runs", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["auc", "accuracy"])
def test_an_interval_has_a_width_where_all_runs_agree(runs, kind):
    logs = [
        grown([0, 1], run=f"run-{seed}", seed=seed)
        if kind == "auc"
        else alternatives([[0], [1], [2]], ahead=[0, 1, 2], run=f"{seed}")
        for seed in range(runs)
    ]
    row = prediction(logs).iloc[0]

    assert (row["measure"], row["value"], row["high"]) == (kind, 1, pytest.approx(1))
    assert 0.2 < row["low"] < 0.95


@pytest.mark.parametrize("area", [0.0, 0.3, 0.5, 0.95, 1.0])
def test_an_area_lies_within_its_interval_which_narrows_with_more_features(area):
    (low, high), (lower, higher) = (_area_interval(area, count, count) for count in (200, 10))

    assert 0 <= lower < low <= area <= high < higher <= 1 or area in {0, 1}
    assert high - low < higher - lower
    assert high - low > 0


def test_runs_without_step_0_are_left_out():
    later = tap_log(
        np.asarray(alternatives([[0], [1], [2]])["w"]),
        "z",
        steps=[3, 4, 5, 6],
        axes=("layer", "token"),
        directions=alternatives([[], [], []]).directions("w"),
    )
    logs = [alternatives([[0], [1], [2]], ahead=[0, 1, 2], run=run) for run in "abc"]

    assert prediction([*logs, later]).iloc[0].drop("p_value").equals(prediction(logs).iloc[0].drop("p_value"))
    assert prediction(later).empty


@pytest.mark.parametrize("learned", [[], range(6)])
def test_where_nothing_or_everything_was_won_there_is_no_figure(learned):
    table = prediction(grown(learned))

    assert table.empty
    assert said(table) == EMPTY


def test_the_sentence_has_value_interval_chance_null_and_p():
    table = prediction([alternatives([[0], [1], [2]], ahead=[0, 1, 2], run=run) for run in "ab"])
    row = table.iloc[0]

    assert said(table) == (
        "What the initialisation predicts: its largest peak at step 0 is the winner in 100.0% of 6 races with one "
        f"winner ({row['low']:.3f} to 1.000); chance 0.333; with initialisations handed to others "
        f"{row['null_low']:.3f} to {row['null_high']:.3f}, p = {row['p_value']:.2g}."
    )
