from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from probes.analysis import Study
from probes.analysis.findings.contents import OF_A_TAP, room
from probes.analysis.taps.axis_columns import RESERVED
from probes.analysis.taps.tap import Tap, called, tap_of, taps_of
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.reader import open_log
from probes.log.stored_directions import StoredDirections, write_directions
from probes.log.writing.writer import RunWriter
from tests.analysis.general import basis, tap_log
from tests.analysis.hand import LAYOUT


def only(log):
    [tap] = taps_of(log).values()
    return tap


@pytest.mark.parametrize("units", [("neuron",), ("head", "neuron"), ("class", "neuron")])
@pytest.mark.parametrize("axes", [("token",), ("layer", "frequency"), ("a", "b", "c")])
def test_units_come_first_and_features_are_the_axes_of_the_directions(units, axes):
    sizes = dict(zip((*units, *axes), (2, 3, 4, 5, 6), strict=False))
    log = tap_log(np.zeros((1, *sizes.values())), units=units, axes=axes)
    tap = only(log)

    assert (tap.units, tap.axes) == (units, axes)
    assert tap.unit_shape == tuple(sizes[axis] for axis in units)
    assert tap.shape == tuple(sizes[axis] for axis in axes)
    assert not tap.own_class
    assert tap.alternatives == (sizes[axes[-1]] if len(axes) > 1 else 1)
    assert tap.groups == (axes[:-1] if len(axes) > 1 else ())


def test_labels_are_the_values_of_columns():
    tap = only(
        tap_log(
            np.zeros((1, 2, 3)), directions=basis(("token",), (3,), labels={"token": ("a", "b", "c")}), axes=("token",)
        )
    )

    assert tap.index["token"].tolist() == ["a", "b", "c"]
    assert called(tap.index) == ["a", "b", "c"]
    assert tap.unit_index["neuron"].tolist() == [0, 1]


def test_labels_that_are_not_different_are_numbers():
    tap = only(tap_log(np.zeros((1, 2, 3)), directions=basis(("feature",), (3,), labels={"feature": ("a", "b", "a")})))

    assert tap.index["feature"].tolist() == [0, 1, 2]


def test_rows_of_the_index_are_in_the_order_of_the_log():
    log = tap_log(np.zeros((1, 2, 2, 3)), axes=("layer", "token"))

    assert only(log).index.to_numpy().tolist() == [[i, j] for i in range(2) for j in range(3)]


@pytest.mark.parametrize("axes", [("frequency", "phase"), ("phase", "frequency"), ("layer", "phase", "frequency")])
def test_a_component_axis_spans_one_feature_wherever_it_stands(axes):
    sizes = {"frequency": 4, "phase": 2, "layer": 3}
    shape = tuple(sizes[axis] for axis in axes)
    values = np.random.default_rng(0).normal(size=(2, 5, *shape))
    tap = only(tap_log(values, axes=axes, directions=basis(axes, shape, component="phase")))
    expected = np.sqrt((values**2).sum(axis=2 + axes.index("phase"))).reshape(2, 5, -1)

    assert (tap.component, tap.components, tap.axes) == ("phase", 2, tuple(axis for axis in axes if axis != "phase"))
    assert tap.sizes(values) == pytest.approx(expected)
    assert tap.vectors.shape == (tap.features, 2, np.prod(shape))


def test_directions_of_one_feature_stand_together():
    vectors = np.random.default_rng(0).normal(size=(2, 3, 7))  # (phase, frequency, dim)
    stored = StoredDirections(("phase", "frequency"), vectors, component="phase")
    tap = only(tap_log(np.zeros((1, 4, 2, 3)), axes=("phase", "frequency"), directions=stored))

    for feature in range(3):
        assert tap.vectors[feature].tolist() == [vectors[0, feature].tolist(), vectors[1, feature].tolist()]
    expected = [np.sqrt((vectors[:, feature] ** 2).sum() / 2) for feature in range(3)]
    assert tap.norms == pytest.approx(expected)


def test_own_class_needs_classes_and_as_many_feature_classes():
    own = tap_log(np.zeros((1, 3, 4, 3, 2)), units=("class", "neuron"), axes=("feature_class", "view"))
    other = tap_log(np.zeros((1, 3, 4, 2, 2)), units=("class", "neuron"), axes=("feature_class", "view"))

    assert only(own).own_class
    assert only(own).columns == ("class", "view")
    assert not only(other).own_class
    assert only(other).columns == ("feature_class", "view")


def test_the_largest_values_are_units_called_ranks():
    series = Series("w", ("rank", "feature"), (2, 3), quantity="reduced")
    log = memory_log(Manifest("a", (series,)), [0], {"w": np.zeros((1, 2, 3))}, directions=basis(("feature",), (3,)))

    assert (only(log).units, only(log).unit_shape) == (("rank",), (2,))


def test_a_strength_alone_has_no_units():
    series = Series("w", ("feature",), (3,), quantity="reduced")
    log = memory_log(Manifest("a", (series,)), [0], {"w": np.ones((1, 3))}, directions=basis(("feature",), (3,)))
    tap = only(log)

    assert (tap.units, tap.unit_shape, tap.axes) == ((), (), ("feature",))
    assert tap.sizes(np.ones((1, 3))).shape == (1, 1, 3)
    assert len(tap.unit_index.columns) == 0


@pytest.mark.parametrize("quantity", ["", "correlation"])
def test_an_own_class_block_is_read_as_an_own_class_tap(quantity):
    block = np.random.default_rng(0).normal(size=(1, 3, 4, 2))
    series = Series("w", ("class", "neuron", "view"), (3, 4, 2), quantity=quantity)
    stored = basis(("feature_class", "view"), (3, 2))
    [log] = Study(memory_log(Manifest("a", (series,)), [0], {"w": block}, directions=stored)).logs
    tap = only(log)

    assert tap.own_class
    assert tap.directions is stored
    assert (tap.units, tap.axes) == (LAYOUT[:2], LAYOUT[2:])


def test_views_of_a_tap_by_class_and_neuron_are_no_block():
    log = tap_log(np.zeros((1, 3, 4, 2)), units=("class", "neuron"), axes=("view",))
    [read] = Study(log).logs

    assert read is log
    assert (only(read).units, only(read).axes) == (("class", "neuron"), ("view",))


def test_directions_that_a_reduction_has_left_out_are_not_those_of_the_tap():
    series = Series("w", ("class", "neuron", "view"), (3, 4, 2), quantity="correlation")
    stored = basis(("feature_class", "view"), (3, 2))
    log = memory_log(Manifest("a", (series,)), [0], {"w": np.zeros((1, 3, 4, 2))}, directions=stored)
    tap = tap_of(log, log.series["w"])

    assert tap.directions is None
    assert tap.norms.tolist() == [1.0, 1.0]
    message = r"^expected directions stored with `w`, got none; record it by a tap$"
    with pytest.raises(LogError, match=message):
        _ = tap.vectors


def beside(*, quantities):
    """Two taps of different units with everything that can stand beside them, with or without the series' quantity."""
    kinds = {"w": "correlation", "v.tokens": "correlation", "w.null": "null", "w.cosine": "cosine"}
    kinds |= {"v.gradient.tokens": "gradient", "v.update.tokens": "update_term", "w.norm": "norm"}
    sizes = {"w": 3, "v.tokens": 2, "w.null": 3, "w.cosine": 3, "v.gradient.tokens": 2, "v.update.tokens": 2}
    series = [
        Series(
            name,
            *((("neuron",), (4,)) if name == "w.norm" else (("neuron", "feature"), (4, sizes[name]))),
            quantity=kind if quantities else "",
        )
        for name, kind in kinds.items()
    ]
    arrays = {one.name: np.zeros((1, *one.shape)) for one in series}
    sets = {name: basis(("feature",), (size,)) for name, size in sizes.items()}
    return memory_log(Manifest("a", tuple(series)), [0], arrays, directions=sets)


@pytest.mark.parametrize("quantities", [True, False])
def test_what_stands_beside_taps_is_none(quantities):
    assert list(taps_of(beside(quantities=quantities))) == ["w", "v.tokens"]


def test_whole_series_go_before_reduced_ones():
    series = [
        Series("small", ("feature",), (3,), quantity="reduced"),
        Series("w", ("neuron", "feature"), (2, 3), quantity="correlation"),
    ]
    arrays = {one.name: np.zeros((1, *one.shape)) for one in series}
    log = memory_log(Manifest("a", tuple(series)), [0], arrays, directions=basis(("feature",), (3,)))

    assert list(taps_of(log)) == ["w", "small"]


def test_statistics_of_each_feature_are_no_tap():
    labels = {"statistic": ("strength", "peak")}
    series = Series("w", ("feature", "statistic"), (3, 2), labels=labels, quantity="reduced")
    log = memory_log(Manifest("a", (series,)), [0], {"w": np.zeros((1, 3, 2))}, directions=basis(("feature",), (3,)))

    assert taps_of(log) == {}


def test_a_series_without_directions_is_a_tap_if_its_axes_are_called_features():
    found = {
        dims: taps_of(tap_log(np.zeros((1, 2, 3)), units=dims[:1], axes=dims[1:], directions=False, quantity=""))
        for dims in (("neuron", "feature"), ("neuron", "dim"))
    }

    assert [len(taps) for taps in found.values()] == [1, 0]


@pytest.mark.parametrize("axis", ["peak", "run", "order", "share", "units"])
def test_a_feature_axis_called_as_a_column_is_renamed(axis):
    tap = only(tap_log(np.zeros((1, 2, 3)), axes=(axis,)))

    assert tap.columns == (f"{axis}_axis",)
    assert list(tap.index) == [f"{axis}_axis"]


def test_an_axis_cannot_be_called_step():
    with pytest.raises(
        ValueError, match=r"^series `w`: expected a dim for each length of \(2, 3\), got \('neuron', 'step'\)$"
    ):
        Series("w", ("neuron", "step"), (2, 3))


def test_every_column_of_a_finding_of_a_tap_is_reserved():
    columns = {name for one in OF_A_TAP for name in getattr(room(one), "COLUMNS", ())}
    summaries = {
        "members",
        "subsets",
        "measure",
        "chance",
        "controls",
        "gain",
        "low",
        "high",
        "beyond",
    }  # of no feature

    left = {name for name in columns - RESERVED if not name.startswith(("null_", "predicted_", "coverage"))}
    assert left - summaries - {"control_share", "expected"} == set()


def test_a_tap_made_by_hand_has_its_component_last():
    tap = Tap("w", ("neuron",), (6,), ("frequency",), (4,), component="phase", components=2)

    assert tap.sizes(np.ones((1, 6, 4, 2))) == pytest.approx(np.full((1, 6, 4), np.sqrt(2)))


def test_500_series_are_read_once(tmp_path, monkeypatch):
    stored = basis(("feature",), (3,))
    series = tuple(Series(f"w{number}", ("neuron", "feature"), (2, 3), quantity="correlation") for number in range(500))
    with RunWriter(tmp_path / "a", Manifest("a", series)) as writer:
        writer.append(0, {one.name: np.zeros((2, 3), "f4") for one in series})
    write_directions(tmp_path / "a", {one.name: stored for one in series})
    reads = []
    read = open_log(tmp_path / "a")._source.directions
    log = open_log(tmp_path / "a")
    monkeypatch.setattr(log, "_source", replace(log._source, directions=lambda: reads.append(1) or read()))
    begin = perf_counter()
    study = Study(log)

    assert len(study.taps) == 500
    assert len(reads) == 1
    assert perf_counter() - begin < 20
