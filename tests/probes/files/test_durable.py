import os
import sys
from pathlib import Path

import pytest

from probes.errors import LogError
from probes.files.durable import LARGEST_FILE, make_folder, read_whole, refusal, remove_unfinished, reserve, write_whole


def test_a_file_is_replaced_whole(tmp_path):
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, call):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LogError) as error:
        read_whole(tmp_path / "pipe")

    reason = "expected a plain file, got something else"
    assert str(error.value) == f"refused `{tmp_path / 'pipe'}`: {reason}; move it away, or copy the run anew"


def test_a_file_too_large_to_be_read_at_once_is_refused(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(LogError, match=f"expected at most {LARGEST_FILE} bytes, got {LARGEST_FILE + 1}"):
        read_whole(tmp_path / "large")


@pytest.fixture
def synced(monkeypatch):
    """Paths that were synced, in order."""
    paths, fsync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: paths.append(Path(f"/proc/self/fd/{number}").readlink()) or fsync(number)
    )
    return paths


def test_new_folders_are_synced_where_they_are_named(tmp_path, synced):
    make_folder(tmp_path / "a/b")
    make_folder(tmp_path / "a/b")

    assert (tmp_path / "a/b").is_dir()
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_folder_that_could_not_be_synced_is_made_anew(tmp_path, monkeypatch):
    def fail(number):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        make_folder(tmp_path / "a/b")

    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_sync_folders_is_written_to(tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse(number):
        if Path(f"/proc/self/fd/{number}").is_dir():
            raise OSError(22, "Invalid argument")
        fsync(number)

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "a", b"whole")

    assert read_whole(tmp_path / "a") == b"whole"


def test_a_refusal_is_a_line_that_can_be_printed():
    assert str(refusal(Path("a"), "got `x\ny\x1b[2J\u2028`")) == (
        r"refused `a`: got `x\ny\x1b[2J\u2028`; move it away, or copy the run anew"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems reserve nothing")
def test_room_is_reserved_and_the_length_stays(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        reserve(file.fileno(), 0, 2**20)
        found = os.fstat(file.fileno())
    assert found.st_size == 0
    assert found.st_blocks * 512 >= 2**20


def test_where_no_room_can_be_reserved_nothing_is_done(tmp_path):
    reserve(-1, 0, 2**20)
    with (tmp_path / "file").open("wb") as file:
        reserve(file.fileno(), 0, 2**62)
    assert (tmp_path / "file").stat().st_size == 0


def test_a_planted_link_is_never_written_through(tmp_path, monkeypatch):
    (tmp_path / "victim").write_text("precious")
    for name in (f".a.{os.getpid()}.tmp", ".a.00.tmp"):
        (tmp_path / name).symlink_to("victim")
    monkeypatch.setattr("probes.files.durable.token_hex", lambda size: "00")  # as if it had been guessed
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "a").exists()
    assert (tmp_path / ".a.00.tmp").is_symlink()

    monkeypatch.undo()
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "victim").read_text() == "precious"


def test_what_killed_processes_left_goes_and_nothing_else(tmp_path):
    names = [".a.h5.0f.tmp", ".b.csv.0f.tmp", ".a.h5.tmp", "a.h5.0f.tmp", ".a.h5.of.tmp", ".a.h5.0f.tmp.txt"]
    for name in names:
        (tmp_path / name).write_text("half")
    remove_unfinished(tmp_path, "*.h5")

    assert {path.name for path in tmp_path.iterdir()} == {*names[1:]}
