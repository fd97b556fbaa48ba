"""Every kind of damage and every trick of a stranger is one line that names the file, and the rest is still checked."""

import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import FORMS, ROW_BYTES, STEPS, again, closed, segmented, signed

from probes.errors import LogError, RunError
from probes.log import open_log
from probes.log.verification.findings import faults, run_folders, verify
from probes.log.writing import Position
from tests.repository.sources import ROOT

SEGMENT = "seg-000001.h5"
SHAPE = (12, 2, 3, 2, 2)


def remade(run, **options):
    """A series of a segment made anew."""
    with h5py.File(run / SEGMENT, "a") as file:
        values = file["correlations"][:]
        del file["correlations"]
        file.create_dataset("correlations", **({"data": values} | options))


def external_link(run):
    with h5py.File(run / SEGMENT, "a") as file:
        del file["correlations"]
        file["correlations"] = h5py.ExternalLink("/etc/passwd", "x")


def external_storage(run):
    remade(run, data=None, shape=SHAPE, dtype="<f4", external=[("/etc/passwd", 0, 1152)])


def virtual_segment(run):
    layout = h5py.VirtualLayout(SHAPE, "<f4")
    layout[:] = h5py.VirtualSource("seg-000000.h5", "correlations", SHAPE)
    with h5py.File(run / SEGMENT, "a") as file:
        del file["correlations"]
        file.create_virtual_dataset("correlations", layout)


def objects(run):
    remade(run, data=None, shape=SHAPE, dtype=h5py.vlen_dtype(np.float32))


def huge_shape(run):
    with h5py.File(run / SEGMENT, "a") as file:
        del file["step"]
        file.create_dataset("step", (2**40,), "<i8", chunks=(2**20,))


def gzip_bomb(run):
    with h5py.File(run / SEGMENT, "a") as file:
        del file["step"]
        file.create_dataset("step", data=np.zeros(2**20, "<i8"), chunks=(2**20,), compression="gzip", fletcher32=True)


def unknown_filter(run):
    remade(run, chunks=True, scaleoffset=3)


def wrong_dims(run):
    remade(run, data=np.zeros((12, 2, 3, 4), "f4"))


def link(run):
    (run / SEGMENT).rename(run.parent / f"{run.name}.h5")
    (run / SEGMENT).symlink_to(run.parent / f"{run.name}.h5")


def pickled(run):
    (run / SEGMENT).write_bytes(pickle.dumps(json.loads))


def newer_format(run):
    with h5py.File(run / SEGMENT, "a") as file:
        file.attrs["format_version"] = 3


def another_run(run):
    with h5py.File(run / SEGMENT, "a") as file:
        file.attrs["run_id"] = np.bytes_("../seed-0")


def path_in_run_id(run):
    manifest = run / "run.json"
    manifest.write_text(signed(json.dumps(json.loads(manifest.read_text()) | {"run_id": "../x"})))


INTACT = "expected an intact HDF5 file of a run, got"
HOSTILE = {
    external_link: f"{INTACT} `correlations`, a link to elsewhere",
    external_storage: f"{INTACT} data of other files, external, in `/correlations`",
    virtual_segment: f"{INTACT} data of other files, virtual, in `/correlations`",
    objects: f"{INTACT} dtype object in `/correlations`",
    huge_shape: f"{INTACT} 8796093022208 bytes made of 0 in `/step`",
    gzip_bomb: f"{INTACT} 8388608 bytes made of 8167 in `/step`",
    unknown_filter: f"{INTACT} filters [6] in `/correlations`",
    wrong_dims: f"{INTACT} shape (12, 2, 3, 4) in `/correlations`",
    link: "expected a plain file, got a link",
    pickled: f"{INTACT} Unable to synchronously open file (file signature not found)",
    newer_format: "expected format 1, got 2",
    another_run: f"{INTACT} rows of run `../seed-0`, not of `seed-0`",
    path_in_run_id: "expected a run's description, got ValueError: expected `run_id` of letters, digits, `.`, `_` and "
    "`-`, got '../x'",
}
ADVICE = {
    newer_format: "read it with a newer feature-probes",
    link: "copy the run with `cp -rL`, which takes what links lead to",
}


def collected(root, **options):
    """Faults and notes by the run's name, without the folder that is above it."""
    found = {folder.name: ([], []) for folder in run_folders([root])}
    for each in verify(run_folders([root]), **options):
        found[each.run.name][not each.is_fault].append(each.text.replace(f"{root}/", ""))
    return found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The folder of a run of every hostile kind, and the faults of each."""
    root = tmp_path_factory.mktemp("hostile")
    run = segmented(tmp_path_factory.mktemp("good") / "seed-0").path
    for change in HOSTILE:
        change(shutil.copytree(run, root / change.__name__))
    return root, {name: lines for name, (lines, _) in collected(root).items()}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_hostile_file_is_one_line(hostile, change):
    name = "run.json" if change is path_in_run_id else SEGMENT
    advice = ADVICE.get(change, "move it away, or copy the run anew")
    line = f"refused `{change.__name__}/{name}`: {HOSTILE[change]}; {advice}"

    assert hostile[1][change.__name__] == [line]


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_reader_refuses_what_verify_names(hostile, change):
    root, found = hostile
    with pytest.raises(LogError) as refusal:
        np.asarray(open_log(root / change.__name__)["correlations"])

    assert [str(refusal.value).replace(f"{root}/", "")] == found[change.__name__]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What is found of runs that are whole, in every form in which they can lie on a disk."""
    root = tmp_path_factory.mktemp("whole")
    logs = [FORMS[form](root / form) for form in FORMS if form != "memory"]
    found = collected(root)
    for log in logs:
        if hasattr(log, "writer"):
            log.writer.close()
    return found, collected(root)


def test_a_whole_run_has_no_fault(whole):
    assert {name: lines for found in whole for name, (lines, _) in found.items() if lines} == {}


def test_a_live_run_is_said_to_be_live(whole):
    who = f"process {os.getpid()} on {socket.gethostname()} is writing"
    notes = [{name: notes for name, (_, notes) in found.items() if notes and name != "stopped"} for found in whole]

    assert notes == [{name: [f"`{name}/LOCK`: {who}"] for name in ("journal", "live", "resumed live")}, {}]


def heap(run, size, name=SEGMENT):
    """HDF5 keeps texts of variable length, such as labels, where nothing checks them; one gets another size."""
    data = bytearray((run / name).read_bytes())
    place = data.index(b"GCOL") + 16 + 8
    data[place : place + 8] = size.to_bytes(8, "little")
    (run / name).write_bytes(data)


def test_a_file_that_crashes_hdf5_is_one_line_and_the_others_are_checked(tmp_path):
    run = segmented(tmp_path / "seed-0").path
    heap(run, 255)
    broken_chunk(run / "seg-000003.h5")

    crash = f"`{run / SEGMENT}`: checking it ended the checking process (signal 11)"
    damage = f"`{run / 'seg-000003.h5'}`: 1 of 1 chunks of `/correlations` are damaged: steps 60 to 115"
    assert list(faults(run)) == [crash, damage]


def test_a_file_that_hdf5_reads_for_ever_is_one_line(tmp_path):
    run = closed(tmp_path / "seed-0").path
    heap(run, 2**64 - 16, "log.h5")

    line = f"`{run / 'log.h5'}`: checking it took longer than 1 s; give it more time (--seconds)"
    assert list(faults(run, seconds=1)) == [line]


def broken_chunk(path, name="correlations"):
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(b"\0\0\0\0")


def test_what_is_no_run_cannot_be_checked(tmp_path):
    line = f"expected runs at or below `{tmp_path}`, got no file of one; name another directory"
    with pytest.raises(RunError, match=f"^{re.escape(line)}$"):
        run_folders([tmp_path])


def test_runs_are_found_once_and_without_following_links(tmp_path):
    for name in ("a", "deep/b"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "seg-000000.wal").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")

    assert run_folders([tmp_path, tmp_path / "a"]) == [tmp_path / "a", tmp_path / "deep/b"]


def test_a_folder_that_cannot_be_checked_is_an_error(tmp_path):
    with pytest.raises(RunError, match=r"^expected to check 1 runs, got FileNotFoundError: .*; check them one by one$"):
        list(faults(tmp_path / "away"))


def test_what_the_analysis_keeps_beside_a_log_is_known(tmp_path):
    run = closed(tmp_path / "seed-0").path
    (run / "summaries.npz").touch()

    assert list(verify([run])) == []


def test_an_attempt_that_was_killed_as_its_journal_began_is_no_fault(tmp_path):
    segmented(tmp_path / "seed-0")
    position = Position(int(STEPS[19]), 20)
    with again(tmp_path / "seed-0", slice(20, 30), position, block_bytes=3 * ROW_BYTES) as writer:
        writer.flush()
        killed = shutil.copytree(writer.path, tmp_path / "killed/seed-0")
    next(killed.glob("*.wal")).write_bytes(b"")

    again(killed, slice(20, None), position, pack_bytes=0).close()
    assert list(faults(killed)) == []


def test_a_name_cannot_talk_to_the_terminal(tmp_path):
    run = closed(tmp_path / "seed-0").path
    (run / "x\n\x1b[2J").touch()

    assert [each.text for each in verify([run])] == [f"`{run}/x\\n\\x1b[2J` is no file of a run"]


def test_who_loses_interest_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path))
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0/junk").touch()
    heap(closed(tmp_path / "seed-1").path, 2**64 - 16, "log.h5")
    found = verify([tmp_path / "seed-0", tmp_path / "seed-1"])
    next(found)
    assert marked(tmp_path)
    found.close()

    assert not marked(tmp_path)


def marked(mark):
    """Processes that were started with the mark."""
    alive = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            alive += [path.parent.name] if f"MARK={mark}".encode() in path.read_bytes() else []
    return alive


def test_checking_loads_neither_torch_nor_pandas():
    line = "import probes.log.verification.audit, sys; print({'torch', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
