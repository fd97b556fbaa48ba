"""A training whose recorder nobody closes: every row is in the log, and the process ends as it would without one."""

import gc
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import probes
from probes.log import open_log

SCRIPT = """
import os, signal, sys, torch, probes
from tests.probes.compat.test_ends import trained
path, end = sys.argv[1:]
if end == "own handler":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
kept = trained(path, 24)
if end != "exit":
    os.kill(os.getpid(), signal.SIGTERM)
"""
ENDS = {"exit": 0, "SIGTERM": -signal.SIGTERM, "own handler": 3}


def trained(path, updates):
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    taps = {"weight": probes.Directions(torch.eye(8))}
    recorder = probes.Recorder(path, taps, null=False).attach(model, optimizer)
    for update in range(updates):
        optimizer.zero_grad()
        recorder.log(loss=float(update))
        model(torch.ones(4, 8)).square().mean().backward()
        optimizer.step()
    return model, optimizer, recorder


def plainly_trained(updates):
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 6)
    rows = [model.weight.detach().numpy().copy()]
    for _ in range(updates):
        model(torch.ones(4, 8)).square().mean().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.sub_(parameter.grad, alpha=0.05)
                parameter.grad = None
        rows.append(model.weight.detach().numpy().copy())
    return np.stack(rows)


@pytest.mark.situation("a script that ends or gets SIGTERM (Slurm, Kubernetes) without `close`", "works")
@pytest.mark.parametrize("end", ENDS)
def test_all_rows_are_there_though_nobody_closed_the_log(path, end):
    command = [sys.executable, "-c", SCRIPT, str(path), end]
    done = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": "."})
    log = open_log(path)

    assert done.returncode == ENDS[end]
    assert log.steps.tolist() == list(range(25))
    assert log.scalars()["loss"].tolist() == list(range(24))
    np.testing.assert_allclose(log["weight"][:], plainly_trained(24), rtol=1e-6)
    assert log.status == "stopped"


@pytest.mark.situation("a function that returns without `close`: its recorder is collected", "works")
def test_all_rows_are_there_though_nobody_has_the_recorder(path):
    trained(path, 5)
    gc.collect()

    assert open_log(path).steps.tolist() == [0, 1, 2, 3, 4, 5]
