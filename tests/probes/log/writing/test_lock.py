import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probes.errors import RunError
from probes.log.liveness import is_being_written
from probes.log.writing.lock import RunLock, claim

HOLD = "import sys, time; from pathlib import Path; from probes.log.writing.lock import RunLock; "
HOLD += "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_seen_and_kept_out(tmp_path, holder):
    assert is_being_written(tmp_path)
    with pytest.raises(RunError, match=f"got process {holder.pid} on {socket.gethostname()}"):
        RunLock(tmp_path)
    assert is_being_written(tmp_path)


def test_the_end_of_the_process_is_seen_and_frees_the_lock(tmp_path, holder):
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, but not yet waited for

    assert not is_being_written(tmp_path)
    RunLock(tmp_path).release()


def test_a_file_system_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    def flock(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    claim(tmp_path / "seed-0", overwrite=False).release()


def test_a_fork_does_not_hold_the_lock(tmp_path):
    lock = RunLock(tmp_path)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    lock.release()
    RunLock(tmp_path).release()
    os.kill(child, 9)
    os.waitpid(child, 0)


def test_a_directory_that_cannot_be_looked_through_is_refused_and_left(tmp_path, monkeypatch):
    def listdir(*arguments):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.listdir", listdir)
        patched.setattr("os.scandir", listdir)
        with pytest.raises(RunError) as error:
            claim(tmp_path, overwrite=False)

    expected = f"expected a directory to record into at `{tmp_path}`, got Input/output error; name another"
    assert str(error.value) == expected
    claim(tmp_path, overwrite=False).release()


def test_a_run_whose_manifest_the_disk_does_not_show_is_refused_and_kept(tmp_path, monkeypatch):
    files = [tmp_path / name for name in ("run.json", "log.h5")]
    for file in files:
        file.touch()
    refuses = f"expected a directory to record into at `{tmp_path}`, got Input/output error; name another"

    def lstat(path):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "lstat", lstat)
        for begun in (False, True):
            with pytest.raises(RunError, match=re.escape(refuses)):
                claim(tmp_path, overwrite=False, resume=True, begun=begun)

    assert all(file.exists() for file in files)


def test_a_lock_whose_note_cannot_be_cleared_is_released(tmp_path, monkeypatch):
    lock = RunLock(tmp_path)
    monkeypatch.setattr(lock, "_file", FailingFile(lock._file))
    lock.release()

    RunLock(tmp_path).release()


class FailingFile:
    """A file of a disk that fails."""

    def __init__(self, file):
        self.close, self.fileno = file.close, file.fileno

    def truncate(self, size):
        raise OSError(5, "Input/output error")


def test_a_lock_whose_file_cannot_be_closed_is_given_up_all_the_same(tmp_path, monkeypatch):
    def refuses():
        raise OSError(28, "No space left on device")

    lock = RunLock(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(lock, "let_go", refuses)
        lock.release()

    RunLock(tmp_path).release()
    lock.let_go()
