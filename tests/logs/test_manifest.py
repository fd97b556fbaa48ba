import json
import zlib
from dataclasses import replace

import pytest
from tests.probes.log.runs import SERIES, manifest

from probes.errors import LogError
from probes.log import Manifest, Series, read_manifest
from probes.log.writing import write_manifest

FULL = manifest(
    "distilled-stopped-00-1a2b3c4d",
    schedule="every(10) | first(100)",
    role="distilled",
    variant="stopped",
    parents=("single-00", "single-01"),
    continues="single-02",
    seeds={"data": 0, "init": 3},
    recipe={"network": {"q": 4, "widths": [10, 20]}, "training": {"rate": 0.1, "name": "größe"}},
    study="ab12",
    status="diverged",
    reason="the loss is not finite",
    created="2025-01-01T00:00:00+00:00",
    versions={"torch": "2.13.0"},
    commit="deadbeef",
    directions="ff00",
    wall_seconds=12.5,
)


@pytest.mark.parametrize("stored", [FULL, Manifest("seed-0", ())], ids=["full", "least"])
def test_a_manifest_survives_its_file(tmp_path, stored):
    write_manifest(tmp_path, stored)

    assert read_manifest(tmp_path) == stored


def test_the_file_is_json_that_people_can_read(tmp_path):
    write_manifest(tmp_path, FULL)
    data = json.loads((tmp_path / "run.json").read_text())

    assert data["series"][0]["labels"] == {"view": ["left", "right"]}
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_keys_that_are_not_known_or_not_there_do_no_harm(tmp_path):
    write_manifest(tmp_path, FULL)
    data = json.loads((tmp_path / "run.json").read_text())
    del data["parents"], data["wall_seconds"], data["checksum"]
    data["mood"] = "good"
    checksum = zlib.crc32(json.dumps(data, sort_keys=True).encode())
    (tmp_path / "run.json").write_text(json.dumps(data | {"checksum": checksum}))

    assert read_manifest(tmp_path) == replace(FULL, parents=(), wall_seconds=0.0)


def test_a_text_that_was_changed_is_refused(tmp_path):
    write_manifest(tmp_path, FULL)
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"init": 3', '"init": 2'))
    with pytest.raises(LogError) as error:
        read_manifest(tmp_path)

    assert str(error.value) == (
        f"refused `{tmp_path}/run.json`: expected a run's description, got ValueError: a text that was changed since "
        "it was written; move it away, or copy the run anew"
    )


@pytest.mark.parametrize("run_id", ["", ".", "..", "a/b", "a b", "../a", "a\n"])
def test_a_run_id_is_a_plain_name(run_id):
    with pytest.raises(ValueError, match="expected `run_id`") as error:
        Manifest(run_id, ())

    assert str(error.value) == f"expected `run_id` of letters, digits, `.`, `_` and `-`, got {run_id!r}"


@pytest.mark.parametrize("name", ["step", "scalars", "class", "count"])
def test_names_in_a_log_are_different(name):
    with pytest.raises(ValueError, match="expected series named unlike each other, an axis, `step` and `scalars`, got"):
        Manifest("seed-0", (*SERIES, Series(name, (), ())))


def test_a_recipe_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        write_manifest(tmp_path, replace(FULL, recipe={"names": {"a"}}))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("key", "text"), [(10, "10"), (None, "null"), (True, "true"), (0.5, "0.5")])
def test_a_recipe_may_have_keys_that_are_no_text(tmp_path, key, text):
    write_manifest(tmp_path, Manifest("seed-0", (), recipe={"rates": {"9": 1, key: 2}}))

    assert read_manifest(tmp_path).recipe == {"rates": {"9": 1, text: 2}}


def test_a_description_as_large_as_none_is_refused(tmp_path):
    with (tmp_path / "run.json").open("wb") as file:
        file.truncate(2**23 + 1)
    with pytest.raises(LogError, match=r"run.json`: expected at most 8388608 bytes, got 8388609; move it away"):
        read_manifest(tmp_path)
