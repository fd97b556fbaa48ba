import os

import pytest

from probes.errors import LogError
from probes.store.durable import LARGEST_FILE, read_whole, write_whole


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
