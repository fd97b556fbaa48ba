import os
import socket
import time

import pytest

from probes.log.liveness import is_being_written


def test_a_later_process_of_the_same_number_is_another(tmp_path):
    (tmp_path / "LOCK").write_text(f"{socket.gethostname()} {os.getpid()} 12345")

    assert not is_being_written(tmp_path)


@pytest.mark.parametrize(("seconds", "alive"), [(5, True), (5000, False)])
def test_a_writer_elsewhere_lives_while_its_files_change(tmp_path, seconds, alive):
    (tmp_path / "LOCK").write_text("another-host 17 12345")
    (tmp_path / "seg-000000.wal").write_text("")
    os.utime(tmp_path / "seg-000000.wal", (0, time.time() - seconds))

    assert is_being_written(tmp_path) == alive


@pytest.mark.parametrize("note", ["", "a", "a b c", f"{socket.gethostname()} -1 x", "\x00"])
def test_a_note_that_says_nothing_is_nobody(tmp_path, note):
    (tmp_path / "LOCK").write_text(note)

    assert not is_being_written(tmp_path)


@pytest.mark.parametrize("note", ["x" * 10_000, f"{socket.gethostname()} {2**80} 1", "\xff\xfe"])
def test_a_note_that_is_none_counts_as_no_writer(tmp_path, note):
    (tmp_path / "LOCK").write_text(note, encoding="latin-1")

    assert not is_being_written(tmp_path)


def test_a_note_is_not_read_from_elsewhere(tmp_path):
    (tmp_path / "LOCK").symlink_to("/dev/zero")

    assert not is_being_written(tmp_path)
