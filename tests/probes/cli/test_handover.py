import os

import pytest

from probes.cli.pending_launch import Handover


@pytest.mark.parametrize("before", [None, "ACTIVE"])
def test_a_launch_finds_the_environment_as_it_was(before, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if before is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", before)
    handover = Handover(launch=lambda: found.append(os.environ.get("OMP_WAIT_POLICY")))
    found = []

    handover.quieten()
    assert os.environ["OMP_WAIT_POLICY"] == (before or "PASSIVE")
    handover()
    assert found == [before]


def test_without_a_launch_nothing_is_done(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    Handover()()

    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
