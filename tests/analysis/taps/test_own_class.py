"""What was recorded of the own-class block alone: as much as it can tell is the same, the rest is not there."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probes.analysis.findings.features import features
from probes.analysis.findings.learned import learned, null_rate
from probes.analysis.rule import RULE
from probes.analysis.study import Study
from probes.analysis.taps.own_class import OFF_CLASS, widened
from probes.analysis.taps.tap import taps_of
from probes.analysis.theory.example import example_study
from probes.analysis.theory.findings import race
from probes.analysis.theory.findings import winning_set as room
from probes.analysis.theory.findings.bounds import bounds
from probes.analysis.theory.findings.claims import claims
from probes.analysis.theory.findings.coverage import coverage
from probes.analysis.theory.findings.memorisation import memorisation
from probes.analysis.theory.recipe import correlation_series
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.memory import memory_log

FULL = [log for log in example_study() if log.manifest.role == "single"]


def own_block(log):
    """The same run as if only its own-class block had been recorded."""
    arrays = {name: np.asarray(log[name]) for name in log.series}
    arrays["correlations"] = np.stack([arrays["correlations"][:, i, :, i] for i in range(6)], 1)
    series = [
        replace(one, dims=("class", "neuron", "view"), shape=(6, 6, 2)) if name == "correlations" else one
        for name, one in log.series.items()
    ]
    manifest = replace(log.manifest, series=tuple(series))
    return memory_log(manifest, log.steps, arrays, scalars=log.scalars(), evaluation=log.evaluation)


OWN = [own_block(log) for log in FULL]


def test_its_values_stand_where_they_belong_and_nothing_else_does():
    (log,) = Study(OWN[0]).logs
    wide, block, full = log["correlations"], np.asarray(OWN[0]["correlations"]), np.asarray(FULL[0]["correlations"])
    assert correlation_series(log).shape == full.shape[1:] == wide.shape[1:]
    for index in np.ndindex(6, 6):
        expected = block[:, index[0]] if index[0] == index[1] else np.full((401, 6, 2), np.nan)
        np.testing.assert_array_equal(wide[:, index[0], :, index[1]], expected)


@pytest.mark.parametrize(
    "index", [3, slice(2, 9), np.array([0, 7]), (slice(2, 4), slice(3)), (np.array([1, 5]), slice(2), slice(None), 1)]
)
def test_it_is_indexed_as_numpy_indexes(index):
    wide = widened(OWN[0])["correlations"]
    np.testing.assert_array_equal(wide[index], np.asarray(wide)[index])


def test_it_is_read_in_blocks():
    wide = widened(OWN[0])["correlations"]
    steps, values = zip(*wide.blocks(100), strict=True)
    assert np.concatenate(steps).tolist() == list(range(401))
    np.testing.assert_array_equal(np.concatenate(values), np.asarray(wide))
    assert (wide.dims, wide.dtype) == (("step", "class", "neuron", "feature_class", "view"), np.float32)


def test_other_series_and_facts_are_those_of_the_log():
    log = widened(OWN[0])
    assert (log.path, log.status, log.manifest.run_id) == (OWN[0].path, OWN[0].status, "single-00")
    np.testing.assert_array_equal(log["correlations.null"][:], FULL[0]["correlations.null"][:])


def test_several_blocks_are_read_each_by_itself():
    series = [Series(name, ("class", "neuron", "view"), (2, 3, 2)) for name in ("a", "b")]
    values = {name: np.full((1, 2, 3, 2), number) for number, name in enumerate("ab", start=1)}
    taps = taps_of(widened(memory_log(replace(OWN[0].manifest, series=tuple(series)), [0], values)))
    log = widened(memory_log(replace(OWN[0].manifest, series=tuple(series)), [0], values))

    assert [tap.own_class for tap in taps.values()] == [True, True]
    assert [float(np.nanmax(log[name][0])) for name in "ab"] == [1.0, 2.0]


@pytest.mark.parametrize("table", [features, learned, room.winning_set, coverage])
def test_what_needs_own_features_alone_is_the_same(table):
    found, expected = table(OWN), table(FULL)
    other = [name for name in expected if name.startswith("off_")]
    assert found[other].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.drop(columns=other), expected.drop(columns=other))


def test_its_tap_is_as_large_as_that_of_the_whole():
    own, full = (taps_of(widened(logs[0]))["correlations"] for logs in (OWN, FULL))
    assert (own.own_class, own.own_shape) == (full.own_class, full.own_shape) == (True, (6, 6, 6, 2))


def test_bounds_on_other_classes_features_are_left_out():
    assert set(bounds(FULL)["bound"]) - set(bounds(OWN)["bound"]) == {"off_class", "negative"}


def test_the_null_of_memorisation_is_empty_and_not_zero():
    assert memorisation(FULL)["off_strength"].notna().all()
    assert memorisation(OWN)["off_strength"].isna().all()


def test_a_rate_of_what_was_not_recorded_is_no_rate():
    with pytest.raises(ValueError, match="n"):
        null_rate(learned(OWN), rule=RULE)


def test_nothing_fails_a_null_that_was_not_recorded():
    holds = [RULE.holds(np.array(4.0), typical=4.0, off_class=null, null=np.nan) for null in (1.0, np.nan, 3.0)]
    assert list(map(bool, holds)) == [True, True, False]


def test_claims_are_the_same_or_say_what_is_missing():
    found, expected = claims(OWN), claims(FULL)
    missing = {"induction.off_class", "induction.negative"}
    assert set(expected["claim"]) - set(found["claim"]) == missing
    assert {found.attrs["left_out"][claim] for claim in missing} == {OFF_CLASS}
    pair = [table.set_index("claim")["measured"].drop(list(missing), errors="ignore") for table in (found, expected)]
    pd.testing.assert_series_equal(*pair)


def test_the_race_of_all_correlations_is_refused_in_a_line():
    line = (
        "run `single-00`: expected correlations with all classes' features, got a class's own alone; record with "
        'taps = "full"'
    )
    with pytest.raises(LogError, match=f"^{line}$"):
        race.panel(Study(OWN[:1]))


def test_a_panel_says_that_there_is_no_null():
    panel = room.panel(Study(OWN[:1]))
    assert panel.caption.endswith("; other classes' features were not recorded.")
