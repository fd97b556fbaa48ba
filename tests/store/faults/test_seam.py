"""What the trials stand on: no call of the store goes round the seam, and a power cut leaves what was synced."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from tests.torture import calls
from tests.torture.power import Disk
from tests.torture.seam import Answer, Seam

from probes.files.durable import write_whole
from tests.repository.sources import ROOT

RUN = """
import json, sys
from pathlib import Path
from tests.torture import calls
from tests.torture.seam import Answer, Seam
folder, scene = Path(sys.argv[1]), calls.SCENES[int(sys.argv[2])]
task, found = scene.build(folder / "x"), []
Path(folder / "begin").touch()
with Seam(folder / "x/disk", lambda call: found.append(call) or Answer.GO)():
    calls.train(task, lambda line: None)
Path(folder / "end").touch()
print(json.dumps(found))
"""
# What the system calls it -> what the seam does; reads of HDF5 files are told as one opening.
CHANGES = {"pwritev2": "pwritev", "rename": "replace"} | {
    name: name for name in ("write", "fsync", "unlink", "ftruncate", "flock", "mkdir", "pwritev", "pwrite64", "link")
}


def traced(tmp_path, scene):
    """Calls that change something, as the system saw them and as the seam did; on the files of the run alone."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    command = ["strace", "-f", "-y", "-e", "trace=%file,%desc", "-o", tmp_path / "trace"]
    command += [sys.executable, "-c", RUN, tmp_path, str(scene)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"strace cannot be used here: {done.stderr[-300:]!r}")
    text = (tmp_path / "trace").read_text()
    lines = text[text.index(f"{tmp_path}/begin") : text.index(f"{tmp_path}/end")].splitlines()
    names = [re.match(r"\d+ +(\w+)\(", line) for line in lines if f"{tmp_path}/x/disk" in line]
    seen = Counter(CHANGES[name[1]] for name in names if name and name[1] in CHANGES)
    return seen, Counter(name for name, _, _ in json.loads(done.stdout) if name in {*CHANGES.values()})


@pytest.mark.parametrize("scene", range(len(calls.SCENES)))
def test_every_call_that_changes_something_is_told(tmp_path, scene):
    seen, told = traced(tmp_path, scene)

    assert told == seen
    assert told["fsync"] > 10


@pytest.fixture
def disk(tmp_path):
    """A folder under a seam that keeps account of what is safe, and what a power cut leaves of it."""
    (tmp_path / "disk").mkdir()
    account = Disk(tmp_path / "disk")

    def left(luck=0.0, seed=0):
        target = tmp_path / f"left-{luck}-{seed}"
        target.mkdir()
        account.cut(target, np.random.default_rng(seed), luck=luck)
        return {path.name: path.read_bytes() for path in target.rglob("*") if path.is_file()}

    with Seam(tmp_path / "disk", lambda call: Answer.GO, before=account.before, after=account.after)():
        yield tmp_path / "disk", left


def test_a_file_written_whole_survives_a_power_cut(disk):
    folder, left = disk
    write_whole(folder / "a", b"old")
    write_whole(folder / "a", b"new")

    assert left() == {"a": b"new"}


def test_what_was_not_synced_does_not_survive_or_does_by_luck(disk):
    folder, left = disk
    write_whole(folder / "a", b"old")
    with (folder / "a").open("ab") as file:
        file.write(b" and more")
    (folder / "b").write_bytes(b"unsynced")

    assert left() == {"a": b"old"}
    assert {left(luck=1.0, seed=seed).get("a", b"old") for seed in range(30)} > {b"old", b"old and more"}


def test_a_name_survives_once_its_folder_was_synced(disk):
    folder, left = disk
    (folder / "a").write_bytes(b"unsynced")
    number = os.open(folder, os.O_RDONLY)
    os.fsync(number)
    os.close(number)
    (folder / "a").unlink()

    assert left() == {"a": b""}


def test_a_sync_after_one_that_failed_makes_nothing_safe(tmp_path):
    account = Disk(tmp_path)
    account.after("open", str(tmp_path / "a"), "")
    (tmp_path / "a").write_bytes(b"lost")
    account.after("fsync failed", str(tmp_path / "a"), "")
    (tmp_path / "a").write_bytes(b"lost, kept")
    for path in (tmp_path / "a", tmp_path):
        account.after("fsync", str(path), "")
    (tmp_path / "left").mkdir()
    account.cut(tmp_path / "left", np.random.default_rng(0), luck=0.0)

    assert (tmp_path / "left/a").read_bytes() == b"\0\0\0\0, kept"
