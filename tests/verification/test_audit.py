"""What is found in a run's directory beside damaged bytes: files missing, left over, or not fitting together."""

import os
import pickle
import shutil
import socket
from dataclasses import replace

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, closed, resumed
from tests.probes.log.verification.test_findings import collected

from probes.log import Evaluation, StoredDirections, open_log, read_manifest
from probes.log.journal import journal_head
from probes.log.rows import ENTRY
from probes.log.stored_directions import write_directions
from probes.log.writing import write_evaluation, write_manifest
from probes.log.writing.journal_writer import Journal
from probes.log.writing.lock import RunLock

OPTIONS = {"block_bytes": 12 * ROW_BYTES, "pack_bytes": 0, "directions": StoredDirections(("feature",), np.eye(3))}
PICKLED = pickle.dumps(len)
ADVICE = "move it away, or copy the run anew"
INTACT = "expected an intact HDF5 file of a run, got"


def without(name):
    return lambda run: (run / name).unlink()


def holding(name, data=b""):
    return lambda run: (run / name).write_bytes(data)


def copied(source, name):
    return lambda run: shutil.copy(run / source, run / name)


def attribute(file, name, value):
    def change(run):
        with h5py.File(run / file, "a") as opened:
            opened.attrs[name] = value

    return change


def linked_lock(run):
    (run / "LOCK").unlink()
    (run / "LOCK").symlink_to("/dev/zero")


def other_directions(run):
    write_directions(run, {"correlations": StoredDirections(("feature",), np.eye(4))})


def evaluation(run, name, value):
    write_evaluation(run, Evaluation({"a/b": np.arange(9.0)}))
    with h5py.File(run / "evaluation.h5", "a") as file:
        file[name] = file[value] if value == "a" else h5py.ExternalLink(value, "x")


# What is done to a run, and the lines that say so; RUN stands for its directory.
FAULTS = {
    "missing": (without("seg-000001.h5"), "`RUN/seg-000001.h5` is missing, and its rows with it"),
    "last missing": (without("seg-000004.h5"), "`RUN/seg-000004.h5` is missing, and its rows with it"),
    "no log": (without("log.h5"), "`RUN/log.h5` is missing; the segments are there"),
    "no directions": (
        without("directions.h5"),
        "`RUN/directions.h5` is missing, though run.json names its hash",
    ),
    "no run.json": (without("run.json"), "`RUN/run.json` is missing"),
    "gap": (
        attribute("seg-000001.h5", "gaps", np.array([[12, 14, 3]])),
        "`RUN`: 3 rows, steps 12 to 14, were left out",
    ),
    "attempt": (
        attribute("seg-000004.h5", "attempt", 2),
        "`RUN/seg-000004.h5`: rows of attempt 2, but run.json knows 0",
    ),
    "twice": (
        copied("seg-000001.h5", "seg-000002.h5"),
        "`RUN/seg-000002.h5`: expected rising steps, got 12 after 23",
        "`RUN/log.h5`: expected the steps of the segments, got others",
        "`RUN/log.h5`: expected the scalars of the segments, got others",
    ),
    "cut journal": (
        holding("seg-000005.wal", b"\x89probes"),
        "`RUN/seg-000005.wal`: the last 7 bytes, from byte 0 on, are no whole frame and were left out",
    ),
    "large lock": (
        holding("LOCK", bytes(5000)),
        f"refused `RUN/LOCK`: expected at most 4096 bytes, got 5000; {ADVICE}",
    ),
    "linked lock": (linked_lock, f"refused `RUN/LOCK`: expected a plain file, got a link; {ADVICE}"),
    "weights": (
        holding("weights.safetensors", PICKLED),
        "refused `RUN/weights.safetensors`: expected tensors (safetensors), got a header of "
        f"{int.from_bytes(PICKLED[:8], 'little')} bytes in a file of {len(PICKLED)}; {ADVICE}",
    ),
    "directions": (
        other_directions,
        "refused `RUN/directions.h5`: expected directions of hash "
        f"{OPTIONS['directions'].sha256:.8}, as run.json says, got "
        f"{StoredDirections(('feature',), np.eye(4)).sha256:.8}; {ADVICE}",
    ),
    "evaluation": (
        lambda run: evaluation(run, "a/c", "/etc/passwd"),
        f"refused `RUN/evaluation.h5`: {INTACT} `c`, a link to elsewhere; {ADVICE}",
    ),
    "a group in itself": (
        lambda run: evaluation(run, "a/a", "a"),
        f"refused `RUN/evaluation.h5`: {INTACT} groups in groups, 33 deep, in `{'/a' * 33}`; {ADVICE}",
    ),
}
NOTES = {
    "temporary": (
        holding(".log.h5.123.tmp"),
        "`RUN/.log.h5.123.tmp`: left by a write that did not come to its end; it can be removed",
    ),
    "stranger": (holding("notes.txt"), "`RUN/notes.txt` is no file of a run"),
    "folder": (lambda run: (run / "more").mkdir(), "`RUN/more` is no file of a run"),
    "stale lock": (
        holding("LOCK", f"{socket.gethostname()} 2 3".encode()),
        f"`RUN/LOCK`: process 2 on {socket.gethostname()} left it and is gone",
    ),
    "no run.json": (without("run.json"), "`RUN`: without its run.json the other files cannot be checked"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Faults and notes of a run of every kind."""
    root = tmp_path_factory.mktemp("runs")
    run = closed(tmp_path_factory.mktemp("good") / "seed-0", **OPTIONS).path
    for name, (change, *_) in (FAULTS | NOTES).items():
        change(shutil.copytree(run, root / name))
    return collected(root)


def lines(case, name):
    return [line.replace("RUN", name) for line in case[name][1:]]


@pytest.mark.parametrize("name", FAULTS)
def test_what_does_not_hold_is_a_fault(found, name):
    assert found[name][0] == lines(FAULTS, name)


@pytest.mark.parametrize("name", NOTES)
def test_what_is_worth_to_know_is_a_note(found, name):
    assert found[name][1] == lines(NOTES, name)


def test_a_note_is_no_fault(found):
    assert [name for name in NOTES if found[name][0] and name not in FAULTS] == []


def reopened(run):
    """As if its writer had been killed before it could close: one segment, and the run says it is recording."""
    (run / "log.h5").rename(run / "seg-000000.h5")
    write_manifest(run, replace(read_manifest(run), status="recording"))
    return run


def with_hole(run):
    """As if rows up to step 130 had not reached their journal when the next one began."""
    manifest = read_manifest(reopened(run))
    rows = [np.zeros((1, *one.shape), one.dtype) for one in manifest.series]
    journal = Journal(run / "seg-000001.wal", journal_head(manifest, 1, after=130))
    journal.append(np.array([135]), rows, [], np.empty(0, ENTRY))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """The same of runs that lie in other forms, and their folder."""
    root = tmp_path_factory.mktemp("others")
    names = ("packed", "cut", "hole", "far", "refused", "bare", "new")
    packed, cut, hole, far, refused, bare, new = (closed(root / name).path for name in names)
    shutil.copy(packed / "log.h5", packed / "seg-000000.h5")
    (reopened(cut) / "seg-000000.wal").touch()
    with_hole(hole)
    (far / "log.h5").rename(far / "seg-000030.h5")
    (refused / "log.h5").write_bytes(b"no HDF5")
    (bare / "log.h5").unlink()
    attribute("seg-000006.h5", "attempt", 0)(resumed(root / "order").path)
    (new / "run.json").unlink()
    lock = RunLock(new)
    found = collected(root)
    lock.release()
    return found | {"": root}


def test_what_a_log_has_taken_in_is_not_read(others):
    assert others["packed"] == ([], ["`packed/seg-000000.h5` is not read, since log.h5 holds all rows"])


def test_a_run_that_was_cut_off_is_said_to_be_and_its_last_journal_may_be_left_over(others):
    cut_off = "the run was cut off: it says that it is recording, but nobody writes"
    left = "`cut/seg-000000.wal` is not read, since seg-000000.h5 holds its rows"

    assert others["cut"] == ([], [f"`cut/run.json`: {cut_off}", left])


def test_of_many_missing_segments_the_first_twenty_are_named(others):
    missing = [f"`far/seg-{number:06d}.h5` is missing, and its rows with it" for number in range(20)]

    rest = ["`far/seg-000029.h5` and 9 more before it are missing", "`far/log.h5` is missing; the segments are there"]
    assert others["far"] == ([*missing, *rest], [])


def test_a_closed_run_without_any_rows_has_lost_them(others):
    assert others["bare"] == (["`bare/log.h5` is missing, and its rows with it"], [])


def test_a_log_that_is_refused_is_named_once(others):
    (line,) = others["refused"][0]

    assert line.startswith("refused `refused/log.h5`: ")


def test_attempts_follow_each_other(others):
    assert others["order"][0][0] == "`order/seg-000006.h5`: expected attempts in order, got 0 after 1"


def test_rows_that_no_journal_holds_are_missed(others):
    assert others["hole"][0] == ["`hole`: rows after step 125 up to step 130 are missing"]


@pytest.mark.parametrize("name", ["packed", "cut", "hole", "bare"])
def test_of_faults_between_files_a_reader_says_the_same(others, name):
    told = [line.replace(f"{others['']}/", "") for line in open_log(others[""] / name).faults]

    assert told == others[name][0]


def test_a_run_that_is_just_beginning_has_no_fault(others):
    who = f"process {os.getpid()} on {socket.gethostname()} is writing"

    assert others["new"] == (
        [],
        [f"`new/LOCK`: {who}", "`new`: without its run.json the other files cannot be checked"],
    )
