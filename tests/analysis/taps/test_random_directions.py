"""The null of any tap: random directions in whatever form they were recorded, or what all features show at step 0."""

import numpy as np
import pytest

from probes.analysis import Study, features
from probes.analysis.findings.features import null_source
from probes.analysis.taps.null import OwnClassNull, RandomDirections
from probes.analysis.taps.tap import taps_of
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.stored_directions import StoredDirections
from tests.analysis.general import STATISTICS, basis, tap_log
from tests.analysis.hand import GROWN, LAYOUT, race

RECORDED, START = "random directions at the same step", "all features at step 0"


def percentile(values):
    """The 99th percentile by linear interpolation between the values around it."""
    ranked = sorted(map(float, values))
    place = 0.99 * (len(ranked) - 1)
    low = int(place)
    return ranked[low] + (place - low) * (ranked[min(low + 1, len(ranked) - 1)] - ranked[low])


def nulls(log, step):
    rows = features(log, steps=[step])
    return rows["null"].tolist(), rows["null_peak"].tolist()


def test_labelled_statistics_of_random_directions_are_in_units_of_each_features_norm():
    draw = np.random.default_rng(0)
    random = draw.uniform(size=(4, 16, 4))
    vectors = np.diag([1.0, 2.0, 5.0])
    log = tap_log(
        draw.normal(size=(4, 6, 3)),
        directions=StoredDirections(("feature",), vectors),
        null=(("random", "statistic"), random),
    )
    strength, peak = nulls(log, 2)

    assert strength == pytest.approx([percentile(random[2, :, 0]) * norm for norm in (1, 2, 5)])
    assert peak == pytest.approx([percentile(random[2, :, 1]) * norm for norm in (1, 2, 5)])
    assert null_source(Study(log)) == RECORDED


def test_units_that_the_null_has_class_by_class_are_counted_together():
    random = np.random.default_rng(0).uniform(size=(3, 2, 16, 4))
    log = tap_log(np.ones((3, 2, 4, 5)), units=("class", "neuron"), null=(("class", "random", "statistic"), random))
    strength, peak = nulls(log, 1)

    assert strength == pytest.approx([percentile([one[0] + two[0] for one, two in zip(*random[1], strict=True)])] * 5)
    assert peak == pytest.approx([percentile([max(one[1], two[1]) for one, two in zip(*random[1], strict=True)])] * 5)


@pytest.mark.parametrize("count", [5, 9])
def test_a_whole_null_is_reduced_as_the_tap_is(count):
    draw = np.random.default_rng(0)
    values = draw.normal(size=(3, 4, count))
    series = [Series("w", ("neuron", "feature"), (4, 5), dtype="<f8", quantity="correlation")]
    series += [Series("w.null", ("neuron", "random"), (4, count), dtype="<f8", quantity="null")]
    sets = {"w": basis(("feature",), (5,), length=3), "w.null": basis(("random",), (count,), length=2)}
    arrays = {"w": draw.normal(size=(3, 4, 5)), "w.null": values}
    log = memory_log(Manifest("a", tuple(series)), np.arange(3), arrays, directions=sets)
    strength, peak = nulls(log, 2)

    sums = [sum(abs(values[2, unit, place]) for unit in range(4)) / 2 * 3 for place in range(count)]
    largest = [max(abs(values[2, unit, place]) for unit in range(4)) / 2 * 3 for place in range(count)]
    assert strength == pytest.approx([percentile(sums)] * 5)
    assert peak == pytest.approx([percentile(largest)] * 5)
    assert null_source(Study(log)) == RECORDED


def test_of_components_the_norm_counts_in_the_null_as_well():
    draw = np.random.default_rng(0)
    values, random = draw.normal(size=(2, 4, 3, 2)), draw.normal(size=(2, 4, 3, 2))
    stored = basis(("frequency", "phase"), (3, 2), component="phase")
    whole = Series("w.null", ("neuron", "frequency", "phase"), (4, 3, 2), dtype="<f8", quantity="null")
    tap = Series("w", ("neuron", "frequency", "phase"), (4, 3, 2), dtype="<f8", quantity="correlation")
    log = memory_log(Manifest("a", (tap, whole)), [0, 1], {"w": values, "w.null": random}, directions=stored)
    _, peak = nulls(log, 1)

    expected = [max(np.hypot(*random[1, unit, place]) for unit in range(4)) for place in range(3)]
    assert peak == pytest.approx([percentile(expected)] * 3)


def test_without_random_directions_the_null_is_what_all_features_show_at_step_0():
    values = np.random.default_rng(0).normal(size=(3, 4, 5))
    log = tap_log(values, directions=StoredDirections(("feature",), np.diag([1.0, 2, 3, 4, 5])))
    norms = np.arange(1, 6)
    sums = [sum(abs(values[0, unit, place]) for unit in range(4)) / norms[place] for place in range(5)]
    largest = [max(abs(values[0, unit, place]) for unit in range(4)) / norms[place] for place in range(5)]

    for step in range(3):
        strength, peak = nulls(log, step)
        assert strength == pytest.approx([percentile(sums) * norm for norm in norms])
        assert peak == pytest.approx([percentile(largest) * norm for norm in norms])
    assert null_source(Study(log)) == START


def test_without_either_the_null_is_not_known():
    log = tap_log(np.ones((2, 4, 5)), steps=[1, 2])

    assert features(log)[["null", "null_peak"]].isna().all(axis=None)
    assert null_source(Study(log)) == ""


@pytest.mark.parametrize("dims", [("random", "statistic"), ("feature",)])
def test_a_strength_alone_is_set_beside_random_directions_of_its_own_form(dims):
    """Which statistic of all units it is, the log does not say: only what was reduced alike can be its null."""
    random = np.random.default_rng(0).uniform(size=(2, *((8, 4) if "random" in dims else (3,))))
    stored = basis(("feature",), (3,))
    labels = {"statistic": STATISTICS} if "random" in dims else {}
    series = [Series("w", ("feature",), (3,), dtype="<f8", quantity="reduced")]
    series += [Series("w.null", dims, random.shape[1:], dtype="<f8", quantity="null", labels=labels)]
    sets = {"w": stored} | ({} if labels else {"w.null": stored})
    log = memory_log(
        Manifest("a", tuple(series)), [0, 1], {"w": np.full((2, 3), 0.5), "w.null": random}, directions=sets
    )
    strength, _ = nulls(log, 1)

    assert strength == pytest.approx([0.5 if labels else percentile(random[1])] * 3)
    assert null_source(Study(log)) == (START if labels else RECORDED)


def test_of_the_largest_units_alone_there_is_no_null_of_the_strength():
    random = np.random.default_rng(0).uniform(size=(2, 8, 4))
    log = tap_log(np.ones((2, 3, 5)), units=("rank",), quantity="reduced", null=(("random", "statistic"), random))
    strength, peak = nulls(log, 1)

    assert np.isnan(strength).all()
    assert peak == pytest.approx([percentile(random[1, :, 1])] * 5)


def test_chosen_rows_have_the_levels_of_their_own_steps():
    random = np.random.default_rng(0).uniform(size=(6, 8, 4))
    log = tap_log(np.ones((6, 3, 5)), null=(("random", "statistic"), random))
    null = RandomDirections(log, taps_of(log)["w"])

    found = null.levels(np.array([1, 4])).peak
    assert found.tolist() == pytest.approx([percentile(random[row, :, 1]) for row in (1, 4)])
    assert null.levels(np.array([], dtype=int)).peak.tolist() == []


def own_class(values, dims, null, directions, random):
    series = [Series("w", LAYOUT, values.shape[1:], dtype="<f8"), Series("w.null", dims, null.shape[1:], dtype="<f8")]
    if "statistic" in dims:
        series[1] = Series("w.null", dims, null.shape[1:], dtype="<f8", labels={"statistic": STATISTICS})
    sets = {"w": StoredDirections(("feature_class", "view"), directions), "w.null": random}
    return memory_log(
        Manifest("a", tuple(series)), np.arange(len(values)), {"w": values, "w.null": null}, directions=sets
    )


@pytest.mark.parametrize("form", ["statistics", "strength", "whole"])
@pytest.mark.parametrize("length", [1.0, 3.0])
def test_what_own_features_explain_is_no_chance_in_any_form_and_length(form, length):
    """Weights in the span of the features: a random direction shows nothing that is not theirs."""
    values = np.asarray(race([[0, 1], [0], [1], [0]]), float)
    values[np.abs(values) < 1] = 0  # correlations with directions of this length
    unit = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    weights = values.reshape(*values.shape[:3], 8) / length  # in the basis of unit features
    size = 1.0 if form == "statistics" else length
    products = np.einsum("tird,ud->tiru", weights, unit * size)  # (step, class, neuron, random)
    positive = np.maximum(products, 0).sum(axis=2)
    dims, null = {
        "statistics": (("class", "random", "statistic"), np.repeat(positive[..., None], 4, axis=-1)),
        "strength": (("class", "feature_class", "view"), positive.reshape(*positive.shape[:2], 4, 2)),
        "whole": (LAYOUT, products.reshape(*products.shape[:3], 4, 2)),
    }[form]
    names = ("random",) if form == "statistics" else ("feature_class", "view")
    shape = (8, 8) if form == "statistics" else (4, 2, 8)
    directions = (length * np.eye(8)).reshape(4, 2, 8)
    log = own_class(values, dims, null, directions, StoredDirections(names, (unit * size).reshape(shape)))
    found = features(log)

    assert positive[-1].max() > 0.3 * GROWN / length * size
    assert found["null"].max() < 1e-5 * GROWN
    assert OwnClassNull(log, taps_of(log)["w"]).source == RECORDED


def test_an_own_class_null_of_all_units_together_is_not_used():
    null = np.ones((5, 8, 4))
    log = tap_log(
        race([[0], [1]]),
        units=LAYOUT[:2],
        axes=LAYOUT[2:],
        null=(("random", "statistic"), null),
    )

    assert features(log)["null"].isna().all()
    assert null_source(Study(log)) == ""
