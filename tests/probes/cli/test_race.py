import re
from dataclasses import replace

import numpy as np
import pytest

from probes.analysis.findings.learned import learned
from probes.analysis.taps.own_class import widened
from probes.cli.watching.race import Race, RaceTap
from probes.cli.watching.race_bars import Scale, rows_of_bars
from probes.cli.watching.run_state import Watched
from probes.log import Manifest, Series, StoredDirections, memory_log, open_logs
from tests.analysis.taps.test_own_class import FULL, OWN

LAYOUT = ("class", "neuron", "feature_class", "view")
RANDOM = np.random.default_rng(0)


def tapped(dims, names, shape):
    """A log of one row of a parameter's series, and the row."""
    row = RANDOM.normal(size=shape).astype("f4")
    vectors = RANDOM.normal(size=(*shape[-len(names) :], 5)).astype("f4")
    series = Series("conv1.weight", dims, shape)
    directions = StoredDirections(names, vectors)
    return memory_log(Manifest("a", (series,)), [0], {"conv1.weight": row[None]}, directions=directions), row


def race_of(log, row=None):
    return RaceTap.of(log).race(log, len(log.steps) - 1 if row is None else row)


def own_class(row, null=None):
    """A log of one row of correlations (class, neuron, feature_class, view), and of what random directions reach."""
    arrays = {"correlations": row[None]} | ({} if null is None else {"correlations.null": null[None]})
    dims = {"correlations": LAYOUT, "correlations.null": ("class", "random")}
    series = tuple(Series(name, dims[name], values.shape[1:]) for name, values in arrays.items())
    return memory_log(Manifest("a", series), [0], arrays)


def test_strengths_are_sums_of_positive_correlations_with_the_own_features():
    row = RANDOM.normal(size=(3, 4, 3, 2))
    race = race_of(own_class(row))
    for i in range(3):
        for view in range(2):
            assert race.values[i, view] == pytest.approx(sum(max(0, row[i, r, i, view]) for r in range(4)))


@pytest.mark.parametrize("step", [0, 20, 60])
def test_learned_is_what_analysis_says_of_a_log_that_ends_here(tiny_root, step):
    for log in open_logs(tiny_root):
        alone = replace(log.manifest, series=(log.series["correlations"],))
        cut = memory_log(alone, [step], {"correlations": log["correlations"][step : step + 1]})
        expected = learned(cut)["learned"].to_numpy(bool).reshape(-1, 2)
        race = race_of(cut)
        assert race.learned.tolist() == expected.tolist()
        assert race.won == sum(map(any, expected))


def test_what_random_directions_reach_is_not_learned():
    row = np.zeros((2, 1, 2, 2))
    row[0, 0, 0], row[1, 0, 1] = [2.0, 1.0], [1.5, 0.0]
    assert race_of(own_class(row)).learned.tolist() == [[True, True], [True, False]]
    assert race_of(own_class(row, null=np.ones((2, 3)))).learned.tolist() == [[True, False], [True, False]]


def test_a_glance_counts_as_learned_what_analysis_does(tiny_root):
    for log in open_logs(tiny_root):
        glance = Watched(log.path).look()
        expected = learned(log)["learned"].to_numpy(bool).reshape(-1, 2)
        assert glance.race.learned.tolist() == expected.tolist()


def test_the_null_is_the_median_strength_on_features_of_other_classes():
    row = np.full((3, 1, 3, 2), 0.25)
    row[0, 0, 1, 0] = 7.0  # one wrong feature, which the median leaves aside
    row[range(3), 0, range(3)] = 1.0
    assert race_of(own_class(row)).null == 0.25


def test_a_tap_shows_the_peak_of_each_feature_over_its_neurons():
    log, row = tapped(("neuron", "feature"), ("feature",), (4, 3))
    race = race_of(log)
    assert (race.measure, race.names) == ("peak", ("0", "1", "2"))
    assert race.values.ravel() == pytest.approx([max(map(abs, row[:, feature])) for feature in range(3)])


def test_a_peak_counts_as_learned_when_analysis_says_so():
    log, row = tapped(("neuron", "feature"), ("feature",), (4, 3))
    values = np.stack([row, row])
    values[1, 2, 1] = -50
    grown = memory_log(log.manifest, [0, 1], {"conv1.weight": values}, directions=log.directions())
    expected = learned(grown)["learned"].tolist()
    assert race_of(grown).learned.ravel().tolist() == expected == [False, True, False]
    assert race_of(grown).won == 1


def test_without_a_null_nothing_counts_as_learned():
    log, row = tapped(("neuron", "feature"), ("feature",), (4, 3))
    late = memory_log(log.manifest, [7], {"conv1.weight": row[None]}, directions=log.directions())
    assert race_of(late).learned is None
    assert race_of(late).won is None


def test_a_tap_with_two_views_has_two_sides():
    log, row = tapped(("neuron", "feature_class", "view"), ("feature_class", "view"), (4, 3, 2))
    race = race_of(log)
    assert (race.names, race.values.shape) == (("0", "1", "2"), (3, 2))
    assert race.values[2, 1] == pytest.approx(max(map(abs, row[:, 2, 1])))


def test_a_tap_with_three_views_has_a_row_for_each():
    log, _ = tapped(("neuron", "feature_class", "view"), ("feature_class", "view"), (4, 2, 3))
    assert race_of(log).names == ("0.0", "0.1", "0.2", "1.0", "1.1", "1.2")


def test_labels_name_the_rows():
    series = Series("w", ("neuron", "feature"), (1, 2), labels={"feature": ("edge", "spot")})
    assert race_of(memory_log(Manifest("a", (series,)), [0], {"w": np.ones((1, 1, 2))})).names == ("edge", "spot")


@pytest.mark.parametrize("series", [(), (Series("loss", (), ()),)])
def test_a_log_without_features_has_no_race(series):
    log = memory_log(Manifest("a", series), [0], {one.name: [0.0] for one in series})
    assert RaceTap.of(log) is None


def test_a_series_that_counts_no_features_is_passed_over():
    log, _ = tapped(("neuron", "feature"), ("feature",), (4, 3))
    norm = Series("conv1.weight.norm", ("neuron",), (4,))
    series = (norm, *log.manifest.series)
    arrays = {norm.name: np.ones((1, 4)), "conv1.weight": log["conv1.weight"][:]}
    both = memory_log(Manifest("a", series), [0], arrays, directions=log.directions())
    assert RaceTap.of(both).tap.name == "conv1.weight"


def test_a_bar_counts_decades_above_the_null():
    scale = Scale.of(Race("strength", ("0",), np.array([[2.0, 0.0]]), null=0.002))
    assert [scale(value) for value in (0.0, 0.002, 2.0)] == [0, 0, 1]
    assert scale(0.02) == pytest.approx(1 / 3)


def test_chance_alone_fills_no_bar():
    scale = Scale.of(Race("strength", ("0",), np.array([[0.0015, 0.001]]), null=0.001))
    assert scale(0.0015) == pytest.approx(np.log10(1.5))


@pytest.mark.parametrize("value", [0.0, 1e-30, 0.00043, 0.0043, 0.43, 4.3, 43.0, 4300.0, 43e5, 43e30])
@pytest.mark.parametrize("sides", [1, 2])
def test_rows_have_the_width_that_is_asked_for(value, sides):
    race = Race("peak", ("0", "feature"), np.full((2, sides), value))
    assert all(len(row) <= 60 for row in rows_of_bars(race, 60, most=9))


def test_where_rows_have_no_room_the_largest_stay_in_order():
    race = Race("peak", tuple("abcd"), np.array([[1.0], [3.0], [2.0], [4.0]]))
    assert [row.plain[0] for row in rows_of_bars(race, 40, most=2)] == ["b", "d"]


def test_what_is_learned_has_a_tick_on_its_side():
    race = Race("strength", ("0",), np.array([[1.0, 1.0]]), np.array([[False, True]]))
    assert re.findall(r"1[✓ ]", rows_of_bars(race, 60, most=1)[0].plain) == ["1 ", "1✓"]


def test_a_terminal_of_ascii_gets_ascii():
    race = Race("strength", ("0",), np.array([[1.0, 0.5]]), np.array([[True, True]]))
    assert rows_of_bars(race, 60, most=1, plain=True)[0].plain.isascii()


@pytest.mark.parametrize("place", range(len(FULL)))
def test_the_own_class_block_alone_shows_the_same_race(place):
    expected, found = (race_of(widened(logs[place])) for logs in (FULL, OWN))
    np.testing.assert_array_equal(found.values, expected.values)
    assert (found.won, found.null) == (expected.won, 0)
