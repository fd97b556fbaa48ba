import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from probes.analysis import Study, features
from probes.analysis.findings import features as of_features
from probes.analysis.findings.features import ends, every_step
from probes.analysis.taps import passes
from probes.errors import LogError
from tests.analysis.hand import log_of, random_values, slow_null, slow_peak, slow_strength


def test_strength_and_peak_are_those_of_the_definitions():
    values = random_values()
    for row in features(log_of(values)).itertuples():
        place = (row.step, row[5], row.view)
        assert row.strength == pytest.approx(slow_strength(values, *place), rel=1e-6)
        assert row.peak == pytest.approx(slow_peak(values, *place), rel=1e-6)


def test_the_null_is_the_same_statistic_on_other_classes():
    values = random_values()
    for row in features(log_of(values)).itertuples():
        place = (row.step, row[5], row.view)
        assert row.off_strength == pytest.approx(slow_null(values, *place, sum), rel=1e-6)
        assert row.off_peak == pytest.approx(slow_null(values, *place, max), rel=1e-6)


def test_one_class_has_a_null_of_zero():
    table = features(log_of(random_values(classes=1)))

    assert (table[["off_strength", "off_peak"]] == 0).all(axis=None)


def test_rows_are_ordered_by_run_step_class_and_view():
    table = features([log_of(random_values(seed=seed), run) for seed, run in enumerate("ba")])
    expected = [
        (run, step, class_, view) for run in "ba" for step in range(7) for class_ in range(3) for view in range(2)
    ]

    assert list(zip(table["run"], table["step"], table["class"], table["view"], strict=True)) == expected


def test_small_blocks_give_the_same_table(monkeypatch):
    log = log_of(random_values(steps=23))
    whole = features(log)
    monkeypatch.setattr(passes, "BLOCK_BYTES", 3 * log["correlations"][0].nbytes)
    monkeypatch.setattr(passes, "_CHUNK_STEPS", 1)

    assert features(log).equals(whole)


@pytest.mark.parametrize("block_rows", [1, 4, 100])
def test_chosen_steps_are_those_of_the_whole_table(monkeypatch, block_rows):
    log = log_of(random_values(steps=23), steps=np.arange(23) * 10)
    monkeypatch.setattr(passes, "BLOCK_BYTES", block_rows * log["correlations"][0].nbytes)
    monkeypatch.setattr(passes, "_CHUNK_STEPS", 1)
    whole, chosen = features(log), [0, 30, 40, 220]

    assert features(log, steps=[220, 30, 40, 0, 7]).equals(whole[whole["step"].isin(chosen)].reset_index(drop=True))


def test_every_takes_each_nth_recorded_step_and_the_last():
    log = log_of(random_values(steps=6), steps=[0, 1, 2, 5, 10, 20])

    assert features(log, every=2)["step"].unique().tolist() == [0, 2, 10, 20]


def test_pieces_of_every_step_are_the_table(monkeypatch):
    log = log_of(random_values(steps=23), steps=np.arange(23) * 10)
    monkeypatch.setattr(of_features, "_TABLE_ROWS", 4 * 6)  # four steps of three classes with two views
    pieces = list(every_step(Study(log), log))

    assert [len(piece) for piece in pieces] == [24] * 5 + [18]
    assert pd.concat(pieces, ignore_index=True).equals(features(log))


def test_ends_are_the_first_and_last_step_of_each_run():
    table = ends(features([log_of(random_values(), "long"), log_of(random_values(steps=1), "short", steps=[3])]))

    assert table.groupby("run", observed=True)["step"].unique().map(list).to_dict() == {"long": [0, 6], "short": [3]}


def test_a_run_without_steps_gives_no_row_beside_others():
    assert set(features([log_of(random_values(steps=0), "new"), log_of(random_values(), "old")])["run"]) == {"old"}


def test_a_step_that_is_no_number_stays_none():
    values = random_values()
    values[-1] = np.nan

    assert features(log_of(values))[["step", "strength"]].groupby("step")["strength"].count()[6] == 0


@pytest.mark.parametrize(("every", "steps"), [(0, None), (2, [1])])
def test_a_choice_that_makes_no_sense_is_refused(every, steps):
    message = f"expected `every` >= 1, and none where `steps` is given, got every={every} and steps={steps}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        features(log_of(random_values()), every=every, steps=steps)


def test_a_log_without_a_tap_is_refused():
    with pytest.raises(LogError, match=r"^expected a tap, that is a parameter recorded with directions, got `w`; "):
        features(log_of(np.zeros((2, 3, 4)), name="w", dims=("neuron", "dim")))


def test_memory_stays_that_of_a_block_however_long_the_log_is(monkeypatch):
    log = log_of(random_values(steps=4000, classes=6))
    monkeypatch.setattr(passes, "BLOCK_BYTES", 100_000)
    tracemalloc.start()
    features(log, every=100)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 10 * 100_000 < log["correlations"][:].nbytes / 4
