"""A run's folder that is deleted, and recorded into anew, while its writer still has rows: the new run is untouched."""

import re
import shutil

import numpy as np
import pytest

from probes.errors import RunError
from probes.log import Manifest, Series, open_log
from probes.log.layout import LOCK
from probes.log.writing import RunWriter

MANIFEST = Manifest("seed-0", (Series("w", ("neuron",), (4,)),))
SMALL = {"block_bytes": 8 * 24, "flush_every": 2}  # eight rows a block


def fill(writer, value, rows):
    for step in range(rows):
        writer.append(step, {"w": np.full(4, value, "f4")})


def files(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


WAYS = {
    "deleted": shutil.rmtree,
    "renamed": lambda path: path.rename(path.with_name("old")),
    "emptied": lambda path: [file.unlink() for file in path.iterdir()],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [3, 20])
def test_the_new_run_has_its_own_rows_alone(tmp_path, way, rows):
    path = tmp_path / "seed-0"
    old = RunWriter(path, MANIFEST, **SMALL)
    fill(old, 1.0, rows)
    old.flush()
    WAYS[way](path)
    with RunWriter(path, MANIFEST, **SMALL) as new:
        fill(new, 2.0, 11)
    before = files(path)
    message = (
        f"expected the run of {old.manifest.created} at `{path}`, got another: the folder was deleted and recorded "
        "into anew; what this process still has of its run is not written"
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        old.close()

    assert files(path) == before
    log = open_log(path)
    assert (log.status, log.steps.tolist(), np.unique(log["w"][:])) == ("finished", list(range(11)), [2.0])


def test_neither_is_it_while_the_new_run_is_still_recorded(tmp_path):
    path = tmp_path / "seed-0"
    old = RunWriter(path, MANIFEST, **SMALL)
    fill(old, 1.0, 3)
    shutil.rmtree(path)
    with RunWriter(path, MANIFEST, **SMALL) as new:
        fill(new, 2.0, 11)
        with pytest.raises(RunError, match="got another"):
            old.close()
        new.append(11, {"w": np.full(4, 2.0, "f4")})

    assert np.unique(open_log(path)["w"][:]).tolist() == [2.0]
    assert len(open_log(path).steps) == 12


def test_a_lock_that_somebody_deletes_is_no_new_run(tmp_path):
    with RunWriter(tmp_path / "seed-0", MANIFEST, **SMALL) as writer:
        fill(writer, 1.0, 20)
        (tmp_path / "seed-0" / LOCK).unlink()

    assert len(open_log(tmp_path / "seed-0").steps) == 20


def test_a_planted_lock_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / LOCK).symlink_to("../victim")
    with pytest.raises(RunError, match="expected a directory to record into"):
        RunWriter(tmp_path / "seed-0", MANIFEST)

    assert (tmp_path / "victim").read_text() == "precious"
