import numpy as np
import pytest

from probes.analysis import Study, features
from probes.analysis.findings import features as of_features
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.stored_directions import StoredDirections
from tests.analysis.general import basis, tap_log

UNITS = [("neuron",), ("head", "neuron"), ("class", "neuron")]


def random_tap(units, axes=("layer", "token"), **options):
    sizes = [*(2, 3)[: len(units)], *(2, 4)[: len(axes)]]
    values = np.random.default_rng(0).normal(size=(3, *sizes))
    return values, tap_log(values, units=units, axes=axes, **options)


@pytest.mark.parametrize("units", UNITS)
def test_strength_and_peak_are_those_of_the_definitions(units):
    values, log = random_tap(units)
    flat = values.reshape(3, -1, 8)
    for row in features(log).itertuples():
        sizes = [abs(flat[row.step, unit, 4 * row.layer + row.token]) for unit in range(flat.shape[1])]
        assert row.strength == pytest.approx(sum(sizes))
        assert row.peak == max(sizes)


@pytest.mark.parametrize("units", UNITS)
def test_the_neuron_is_the_unit_at_the_peak(units):
    values, log = random_tap(units)
    for row in features(log).itertuples():
        found = np.abs(values[row.step][..., row.layer, row.token])
        place = [int(part) for part in str(row.neuron).split(", ")]
        assert found[tuple(place)] == row.peak


def test_units_at_peaks_have_the_users_labels():
    values = np.array([[[0.0, 3.0], [2.0, 1.0]]])
    series = Series("w", ("channel", "feature"), (2, 2), labels={"channel": ("red", "green")}, quantity="correlation")
    log = memory_log(Manifest("a", (series,)), [0], {"w": values}, directions=basis(("feature",), (2,)))

    assert features(log)["neuron"].tolist() == ["green", "red"]


def test_of_components_the_norm_counts():
    values = np.random.default_rng(0).normal(size=(2, 5, 2, 3))  # (step, neuron, phase, frequency)
    log = tap_log(
        values, axes=("phase", "frequency"), directions=basis(("phase", "frequency"), (2, 3), component="phase")
    )
    for row in features(log).itertuples():
        norms = [np.hypot(*values[row.step, unit, :, row.frequency]) for unit in range(5)]
        assert (row.strength, row.peak) == (pytest.approx(sum(norms)), pytest.approx(max(norms)))
        assert row.neuron == int(np.argmax(norms))


def test_a_strength_alone_has_no_peak():
    series = Series("w", ("feature",), (3,), quantity="reduced")
    log = memory_log(Manifest("a", (series,)), [0], {"w": [[1.0, 2, 3]]}, directions=basis(("feature",), (3,)))
    table = features(log)

    assert table["strength"].tolist() == [1, 2, 3]
    assert table["peak"].isna().all()


def test_columns_are_the_users_axes_and_rows_in_the_order_of_the_log():
    stored = basis(("layer", "token"), (2, 3), labels={"token": ("a", "b", "c")})
    table = features(tap_log(np.zeros((2, 4, 2, 3)), axes=("layer", "token"), directions=stored))

    expected = [(step, layer, token) for step in range(2) for layer in range(2) for token in "abc"]
    assert list(zip(table["step"], table["layer"], table["token"], strict=True)) == expected
    assert list(table) == [
        "run", "role", "variant", "step", "layer", "token", "strength", "peak", "neuron", "null", "null_peak",
    ]  # fmt: skip


def test_an_axis_called_as_a_column_does_no_harm():
    table = features(tap_log(np.ones((1, 4, 3)), axes=("peak",)))

    assert table["peak_axis"].tolist() == [0, 1, 2]
    assert table["peak"].tolist() == [1, 1, 1]


def test_about_200_steps_are_taken_with_the_first_and_the_last():
    steps = features(tap_log(np.zeros((1001, 1, 2))))["step"].unique()

    assert (steps[0], steps[-1], len(steps)) == (0, 1000, 201)
    assert set(np.diff(steps)) == {5}


def test_of_many_features_fewer_steps_are_taken(monkeypatch):
    monkeypatch.setattr(of_features, "_MOST_ROWS", 100)
    table = features(tap_log(np.zeros((101, 1, 10))))

    assert table["step"].unique().tolist() == list(range(0, 101, 10))


def test_every_step_can_be_asked_for():
    assert features(tap_log(np.zeros((401, 1, 2))), every=1)["step"].nunique() == 401


def test_a_correlation_that_is_no_number_spoils_its_feature_alone():
    values = np.ones((3, 4, 5))
    values[1, 2, 3] = np.nan
    table = Study(tap_log(values)).features()

    assert table.loc[table["strength"].isna(), ["step", "feature"]].values.tolist() == [[1, 3]]


@pytest.mark.parametrize("units", [2, 7])
def test_runs_of_different_widths_stand_in_one_table(units):
    logs = [tap_log(np.ones((1, count, 3)), run) for run, count in (("a", 3), ("b", units))]

    assert features(logs)["strength"].tolist() == [3.0] * 3 + [float(units)] * 3


def test_directions_that_are_zero_are_no_reason_to_stop():
    log = tap_log(np.zeros((2, 3, 2)), directions=StoredDirections(("feature",), np.array([[1.0, 0], [0, 0]])))

    assert features(log)["strength"].tolist() == [0] * 4
