import atexit
import gc

import numpy as np
import pytest

from probes.launch.first_step import Watch
from probes.launch.plan import Plan
from probes.launch.program import Program
from probes.launch.tap_text import TapText
from probes.launch.trained_models import optimizers_of


@pytest.fixture
def write(tmp_path):
    """A way to write a file of a user's own below the working directory."""

    def write(name, code):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code if isinstance(code, bytes) else code.encode())
        return path

    return write


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def tap(tmp_path):
    """Along the axes of its own space a weight's correlation is the weight itself."""
    np.save(tmp_path / "axes.npy", np.eye(6, dtype="f4"))
    return TapText(tmp_path / "axes.npy", "--tap NAME=axes.npy")


@pytest.fixture
def watched(root, monkeypatch):
    """A way to begin to watch; what it says is in the list it returns."""
    watches = []
    gc.collect()
    assert not optimizers_of(), "an earlier test left its training alive, and would be watched with this one's"

    def begin(**options):
        said = []
        watch = Watch(Plan(Program("train.py"), root, **options))
        monkeypatch.setattr(watch, "_say", said.append)
        watch.begin()
        watches.append(watch)
        return watch, said

    yield begin
    for watch in watches:
        watch._hook.detach()
        atexit.unregister(watch.end)
