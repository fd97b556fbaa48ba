import atexit
import gc

import numpy as np
import pytest
from torch.nn import Module
from torch.optim import Optimizer

from probes.launch import trained_models
from probes.launch.first_step import Watch
from probes.launch.plan import Plan
from probes.launch.program import Program
from probes.launch.tap_text import TapText


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
    _ignore_what_lives(monkeypatch)

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
        watch._executions.detach()
        atexit.unregister(watch.end)


def _ignore_what_lives(monkeypatch):
    """Have no model or optimizer be found that another test has left alive, as in the traceback of an error."""
    found = trained_models._live
    gc.collect()
    left = {id(thing): thing for kind in (Module, Optimizer) for thing in found(kind)}
    monkeypatch.setattr(trained_models, "_live", lambda kind: [one for one in found(kind) if id(one) not in left])
