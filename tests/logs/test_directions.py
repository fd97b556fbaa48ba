import hashlib
import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from probes.errors import LogError
from probes.log import StoredDirections
from probes.log.stored_directions import directions_of, hash_of, read_directions, write_directions

NAMES = ("feature_class", "view")
VECTORS = np.random.default_rng(0).normal(size=(3, 2, 8)).astype("f4")
DIRECTIONS = StoredDirections(NAMES, VECTORS, {"view": ("left", "right")})


def test_directions_survive_their_file(tmp_path):
    write_directions(tmp_path, {"weight": DIRECTIONS})
    read = read_directions(tmp_path, DIRECTIONS.sha256)["weight"]

    assert (read.names, read.dims, read.labels) == (NAMES, (*NAMES, "dim"), DIRECTIONS.labels)
    np.testing.assert_array_equal(read.vectors, VECTORS, strict=True)


@pytest.mark.parametrize(
    "change",
    [{"vectors": VECTORS + 1e-6}, {"vectors": VECTORS.astype("f8")}, {"names": ("class", "view")}, {"labels": {}}],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_tells_directions_apart(change):
    assert replace(DIRECTIONS, **change).sha256 != DIRECTIONS.sha256
    assert replace(DIRECTIONS, vectors=np.asfortranarray(VECTORS)).sha256 == DIRECTIONS.sha256


def test_other_directions_than_the_manifest_names_are_refused(tmp_path):
    write_directions(tmp_path, {"weight": DIRECTIONS})
    with pytest.raises(LogError) as error:
        read_directions(tmp_path, "0" * 64)

    assert str(error.value) == (
        f"refused `{tmp_path / 'directions.h5'}`: expected directions of hash 00000000, as run.json says, got "
        f"{DIRECTIONS.sha256[:8]}; move it away, or copy the run anew"
    )


def test_directions_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(LogError) as error:
        read_directions(tmp_path)

    assert str(error.value) == f"expected directions in `{tmp_path}`, got a run that was recorded without them"


def test_every_series_has_its_own_and_what_they_share_is_stored_once(tmp_path):
    other = StoredDirections(("feature",), np.eye(4), facts={"estimator": "class_means", "stability": 0.9})
    sets = {"a": DIRECTIONS, "b": other, "c": replace(DIRECTIONS), "d": replace(DIRECTIONS, facts={"estimator": "x"})}
    write_directions(tmp_path, sets)
    read = read_directions(tmp_path, hash_of(sets))

    assert {name: directions.sha256 for name, directions in read.items()} == {
        name: directions.sha256 for name, directions in sets.items()
    }
    assert (read["a"].facts, read["b"].facts) == ({}, other.facts)
    with h5py.File(tmp_path / "directions.h5") as file:
        assert sorted(file) == ["0", "1", "2", "sets"]


def test_the_hash_of_a_run_covers_which_series_has_which():
    other = StoredDirections(("feature",), np.eye(4))

    assert hash_of({"a": DIRECTIONS, "b": other}) != hash_of({"a": other, "b": DIRECTIONS})
    assert hash_of({"a": DIRECTIONS, "b": DIRECTIONS}) == DIRECTIONS.sha256


def test_directions_that_differ_are_asked_for_by_series():
    sets = {"a": DIRECTIONS, "b": StoredDirections(("feature",), np.eye(4))}
    with pytest.raises(LogError) as error:
        directions_of(sets, None, Path("runs/seed-0"))

    assert directions_of(sets, "b", Path()) is sets["b"]
    assert directions_of({"a": DIRECTIONS}, None, Path()) is DIRECTIONS
    assert str(error.value) == (
        "expected the series, one of a, b, whose directions `runs/seed-0` has; name one of them"
    )


@pytest.mark.parametrize("text", ["[1]", "{", '[{"names": ["feature"], "labels": {}, "facts": {}, "series": []}]'])
def test_names_that_do_not_fit_are_refused(tmp_path, text):
    write_directions(tmp_path, {"weight": DIRECTIONS})
    with h5py.File(tmp_path / "directions.h5", "a") as file:
        del file["sets"]
        file["sets"] = np.frombuffer(text.encode(), np.uint8)
    with pytest.raises(LogError, match=r"expected directions, got (Type|Value|JSONDecode)Error: .*; move it away"):
        read_directions(tmp_path)


def test_an_axis_without_a_name_is_refused():
    message = r"^expected a name for all but the last axis of \(3, 2, 8\), got \('feature',\)$"
    with pytest.raises(ValueError, match=message):
        StoredDirections(("feature",), VECTORS)


WAVES = StoredDirections(("frequency", "phase"), VECTORS, component="phase")


def test_a_component_axis_survives_the_file(tmp_path):
    write_directions(tmp_path, {"weight": WAVES, "other": replace(WAVES, component="")})
    read = read_directions(tmp_path)

    assert {name: (one.component, one.sha256) for name, one in read.items()} == {
        "weight": ("phase", WAVES.sha256),
        "other": ("", replace(WAVES, component="").sha256),
    }


def test_directions_without_a_component_are_stored_and_hashed_as_they_were(tmp_path):
    write_directions(tmp_path, {"weight": DIRECTIONS})
    with h5py.File(tmp_path / "directions.h5") as file:
        assert b"component" not in file["sets"][()].tobytes()

    head = json.dumps([NAMES, {"view": ["left", "right"]}, [3, 2, 8], "<f4"])
    assert DIRECTIONS.sha256 == hashlib.sha256(head.encode() + VECTORS.tobytes()).hexdigest()


@pytest.mark.parametrize("component", ["view", "dim"])
def test_a_component_is_one_of_the_names(component):
    with pytest.raises(ValueError, match="expected as `component`") as error:
        StoredDirections(("frequency", "phase"), VECTORS, component=component)

    assert str(error.value) == (
        f"expected as `component` one axis beside others, got {component!r} of ('frequency', 'phase')"
    )


def test_random_directions_beside_given_ones_are_no_second_choice(tmp_path):
    random = StoredDirections(("random",), np.eye(4), facts={"null_of": DIRECTIONS.sha256})

    assert directions_of({"a": DIRECTIONS, "a.null": random}, None, tmp_path) is DIRECTIONS
    assert directions_of({"a.null": random}, None, tmp_path) is random
