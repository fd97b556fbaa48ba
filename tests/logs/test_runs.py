import pytest

from probes.errors import RunError
from probes.log import Manifest, open_log, open_logs
from probes.log.manifest import write_manifest


def make(root, runs):
    """Runs of a study: their folders below the root, and their run_ids."""
    for place, run_id in runs.items():
        (root / place).mkdir(parents=True)
        write_manifest(root / place, Manifest(run_id, (), name=f"the {place}"))


def test_a_run_is_labelled_by_its_id_and_by_its_path_where_another_has_the_same(tmp_path):
    make(tmp_path, {"b/seed-0": "seed-0", "a/seed-0": "seed-0", "a/seed-1": "seed-1"})
    logs = open_logs(tmp_path)

    assert [log.label for log in logs] == ["a/seed-0", "b/seed-0", "seed-1"]
    assert {label: logs[label].manifest.name for label in ("b/seed-0", "seed-1")} == {
        "b/seed-0": "the b/seed-0",
        "seed-1": "the a/seed-1",
    }
    assert [log.label for log in logs[1:]] == ["b/seed-0", "seed-1"]


def test_an_id_that_several_runs_have_names_none_of_them(tmp_path):
    make(tmp_path, {"b/seed-0": "seed-0", "a/seed-0": "seed-0"})

    with pytest.raises(RunError, match=r"^expected a run under `.*`, one of a/seed-0, b/seed-0; got `seed-0`$"):
        open_logs(tmp_path)["seed-0"]


def test_labels_are_paths_where_an_id_is_another_run_s_path(tmp_path):
    make(tmp_path, {"x": "seed-0", "y": "seed-0", "z": "x"})

    assert [log.label for log in open_logs(tmp_path)] == ["x", "y", "z"]


def test_a_log_opened_alone_is_labelled_by_its_id(tmp_path):
    make(tmp_path, {"copy of seed-0": "seed-0"})

    assert open_log(tmp_path / "copy of seed-0").label == "seed-0"
