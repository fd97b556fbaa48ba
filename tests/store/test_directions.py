from dataclasses import replace

import h5py
import numpy as np
import pytest

from probes.errors import LogError
from probes.store import StoredDirections
from probes.store.directions import read_directions, write_directions

NAMES = ("feature_class", "view")
VECTORS = np.random.default_rng(0).normal(size=(3, 2, 8)).astype("f4")
DIRECTIONS = StoredDirections(NAMES, VECTORS, {"view": ("left", "right")})


def test_directions_survive_their_file(tmp_path):
    write_directions(tmp_path, DIRECTIONS)
    read = read_directions(tmp_path, DIRECTIONS.sha256)

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
    write_directions(tmp_path, DIRECTIONS)
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


@pytest.mark.parametrize("text", ["[1]", "{", '["feature"]'])
def test_names_that_do_not_fit_are_refused(tmp_path, text):
    write_directions(tmp_path, DIRECTIONS)
    with h5py.File(tmp_path / "directions.h5", "a") as file:
        file.attrs["names"] = np.bytes_(text)
    with pytest.raises(LogError, match=r"expected directions, got (ValueError|JSONDecodeError): .*; move it away"):
        read_directions(tmp_path)


def test_an_axis_without_a_name_is_refused():
    message = r"^expected a name for all but the last axis of \(3, 2, 8\), got \('feature',\)$"
    with pytest.raises(ValueError, match=message):
        StoredDirections(("feature",), VECTORS)
