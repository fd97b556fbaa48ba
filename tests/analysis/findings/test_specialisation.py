import re

import numpy as np
import pytest
from scipy import stats

from probes.analysis import specialisation
from probes.analysis.findings.specialisation import SIGNIFICANT, carriers, shares
from probes.analysis.taps.tap import Tap, taps_of
from probes.errors import LogError
from probes.log.stored_directions import StoredDirections
from tests.analysis.general import basis, tap_log


def log_of_weights(weights, vectors, *, component="", units=("neuron",), **options):
    """A log of given weights (step, *units, dim) and directions (feature, dim) or (feature, phase, dim)."""
    names = ("feature", "phase") if component else ("feature",)
    values = np.tensordot(weights, vectors, axes=(-1, -1))
    stored = StoredDirections(names, vectors, component=component)
    return tap_log(values, units=units, axes=names, directions=stored, **options)


def slow_shares(weight, vectors):
    """Length squared of the projection on each feature's span over that on the span of all, by least squares."""

    def energy(rows):
        solution = np.linalg.lstsq(rows.T, weight, rcond=None)[0]
        return float(np.square(rows.T @ solution).sum())

    features = [np.atleast_2d(rows) for rows in vectors]
    return [energy(rows) / energy(np.concatenate(features)) for rows in features]


@pytest.mark.parametrize("shape", [(5, 9), (4, 2, 12), (7, 6)])  # the last: more directions than dimensions
@pytest.mark.parametrize("length", [1, 3])
def test_shares_are_those_of_projections_also_where_directions_overlap(shape, length):
    draw = np.random.default_rng(0)
    vectors, weights = length * draw.normal(size=shape), draw.normal(size=(1, 3, shape[-1]))
    log = log_of_weights(weights, vectors, component="phase" if len(shape) == 3 else "")
    found = shares(log["w"][0], taps_of(log)["w"])

    for unit in range(3):
        assert found[unit] == pytest.approx(slow_shares(weights[0, unit], vectors), rel=1e-6)


@pytest.mark.parametrize("components", [1, 2])
def test_the_share_of_a_random_direction_has_the_beta_law(components):
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(6, components, 30))  # they overlap
    weights = draw.normal(size=(1, 2000, 30))
    log = log_of_weights(
        weights, vectors if components > 1 else vectors[:, 0], component="phase" if components > 1 else ""
    )
    found = shares(log["w"][0], taps_of(log)["w"])
    law = stats.beta(components / 2, (6 * components - components) / 2)

    for feature in range(6):
        assert stats.kstest(found[:, feature], law.cdf).pvalue > 0.005


def test_random_units_are_specialised_in_one_run_of_a_hundred_at_most():
    draw = np.random.default_rng(1)
    log = log_of_weights(draw.normal(size=(1, 3000, 20)), np.eye(20)[:10])
    table = specialisation(log)

    assert not table["specialised"].any()
    assert (table["share"] > table["null"]).sum() == 0
    assert table["p_value"].min() > SIGNIFICANT


def test_the_p_value_is_corrected_for_units_and_features():
    draw = np.random.default_rng(1)
    weights = draw.normal(size=(1, 3, 8))
    weights[0, 0] = [9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    row = specialisation(log_of_weights(weights, np.eye(8))).iloc[0]
    share = 81 / (81 + 7 * 0.01)

    assert row["share"] == pytest.approx(share)
    assert row["p_value"] == pytest.approx(3 * 8 * stats.beta(0.5, 3.5).sf(share), rel=1e-6)
    assert row["null"] == pytest.approx(stats.beta(0.5, 3.5).isf(0.01 / 24))


def test_each_unit_has_its_largest_feature_at_both_ends():
    weights = np.stack([np.eye(20)[[3, 5, 7]], np.eye(20)[[3, 6, 7]] * 4])
    table = specialisation(log_of_weights(weights, np.eye(20), role="r", variant="v"))

    assert table[["run", "role", "variant", "step", "neuron", "feature"]].values.tolist() == [
        ["a", "r", "v", 1, neuron, feature] for neuron, feature in enumerate([3, 6, 7])
    ]
    assert table["same_as_first"].tolist() == [True, False, True]
    assert table["first_share"].tolist() == pytest.approx([1, 1, 1])
    assert table["specialised"].all()


def test_without_step_0_nothing_is_said_of_it():
    table = specialisation(log_of_weights(np.ones((2, 3, 6)), np.eye(6), steps=[4, 5]))

    assert table[["first_share", "same_as_first"]].isna().all(axis=None)


def test_a_unit_of_zeros_or_of_no_numbers_carries_nothing():
    weights = np.zeros((1, 2, 6))
    weights[0, 1] = np.nan
    table = specialisation(log_of_weights(weights, np.eye(6)))

    assert table["share"].tolist() == [0, 0]
    assert table["p_value"].tolist() == [1, 1]


def test_carriers_are_specialised_units_by_feature():
    weights = np.eye(20)[[3, 3, 5]][None] * 4
    weights = np.concatenate([weights, np.ones((1, 1, 20))], axis=1)
    log = log_of_weights(weights, np.eye(20))

    assert carriers(specialisation(log), taps_of(log)["w"]).values.tolist() == [["a", 3, 2], ["a", 5, 1]]


def test_units_and_features_have_the_users_names():
    values = np.zeros((1, 2, 3, 2, 4))
    values[..., 1, 2] = 5
    stored = basis(("order", "token"), (2, 4), labels={"token": tuple("abcd")})
    log = tap_log(values, units=("head", "neuron"), axes=("order", "token"), directions=stored)
    table = specialisation(log)

    assert table[["head", "neuron"]].values.tolist() == [[head, neuron] for head in range(2) for neuron in range(3)]
    assert set(zip(table["order_axis"], table["token"], strict=True)) == {(1, "c")}
    assert carriers(table, taps_of(log)["w"]).values.tolist() in ([], [["a", 1, "c", 6]])


def test_in_an_own_class_tap_any_class_can_be_carried():
    values = np.zeros((1, 3, 2, 3, 2))
    values[0, :, :, 2, 1] = 4
    table = specialisation(tap_log(values, units=("class", "neuron"), axes=("feature_class", "view")))

    assert table[["class", "neuron"]].values.tolist() == [
        [class_, neuron] for class_ in range(3) for neuron in range(2)
    ]
    assert set(zip(table["feature_class"], table["view"], strict=True)) == {(2, 1)}


REFUSED = [
    (tap_log(np.ones((1, 3, 4)), directions=False), "directions"),
    (tap_log(np.ones((1, 4)), units=(), quantity="reduced"), "units"),
    (tap_log(np.ones((1, 2, 4)), units=("rank",), quantity="reduced"), "units"),
]


@pytest.mark.parametrize(("log", "missing"), REFUSED)
def test_what_was_not_recorded_is_named(log, missing):
    message = f"expected the {missing} of `w` in the log, got a series recorded without; record the tap whole"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        specialisation(log)


def test_directions_of_one_feature_alone_are_refused():
    log = log_of_weights(np.ones((1, 3, 6)), np.stack([np.eye(6)[0], 2 * np.eye(6)[0]]))
    message = (
        "expected directions of more than one feature, got a span of 1 dimensions in `w`, in which every unit has all "
        "of its energy"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        specialisation(log)


def test_so_many_directions_that_it_would_take_minutes_are_refused(monkeypatch):
    monkeypatch.setattr("probes.analysis.findings.specialisation._MOST_WORK", 100)
    message = "expected fewer directions than 6 of dim 6, whose span would take minutes to find"
    with pytest.raises(LogError, match=f"^{message}$"):
        specialisation(log_of_weights(np.ones((1, 3, 6)), np.eye(6)))


def test_the_span_is_found_once_for_all_runs(monkeypatch):
    calls = []
    found = np.linalg.pinv
    monkeypatch.setattr(np.linalg, "pinv", lambda array: calls.append(array.shape) or found(array))
    tap = taps_of(log_of_weights(np.ones((1, 3, 6)), np.eye(6)))["w"]
    for _ in range(3):
        _ = tap.inverse, tap.span

    assert calls == [(6, 6)]
    assert isinstance(tap, Tap)
