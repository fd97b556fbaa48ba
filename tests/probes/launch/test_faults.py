"""What cannot be recorded is said in a line; what the program computes stays the same."""

import os
import signal
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from probes.launch.session import Session
from probes.recorder import Recorder
from probes.store import open_log
from tests.probes.launch.training import loss_of, network, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def test_a_model_that_no_tap_fits_is_said_once(watched, root, tap):
    watch, said = watched(taps={"conv1.weight": tap})
    for model in (network(), network()):
        train(model, sgd(model))
    watch.end()

    names = "0.weight, 2.weight, 0.bias, 2.bias"
    missing = f"expected a parameter's name or glob, got `conv1.weight`; there are {names}"
    told = f"Sequential is trained, but not recorded: {missing}"
    assert list(dict.fromkeys(said)) == [told, "tap `conv1.weight` chose no parameter", "nothing was recorded"]
    assert not root.exists()


def test_a_tap_that_fits_one_of_two_models_is_no_fault(watched, root, tap):
    watch, said = watched(taps={"1.0.weight": tap, "0.weight": tap})
    models = [network(), nn.Sequential(nn.Identity(), network())]
    for model in models:
        train(model, sgd(model))
    watch.end()

    assert [line.split(":")[0] for line in said] == [f"Sequential-00, Sequential-01 in {root}"]


def test_directions_of_another_dim_are_said(watched, root, tmp_path):
    np.save(tmp_path / "wrong.npy", np.eye(5))
    watch, said = watched(taps={"0.weight": tmp_path / "wrong.npy"})
    model = network()
    train(model, sgd(model))
    watch.end()

    assert said[0].startswith("Sequential is trained, but not recorded: expected directions of dim 6 for `0.weight`")
    assert said[1:] == ["nothing was recorded"]


def test_directions_that_turn_out_to_be_none_are_said(watched, tmp_path):
    np.save(tmp_path / "zeros.npy", np.zeros((2, 6)))
    watch, said = watched(taps={"0.weight": tmp_path / "zeros.npy"})
    model = network()
    train(model, sgd(model))
    watch.end()

    assert said[0].startswith(f"Sequential is trained, but not recorded: no directions could be read from `{tmp_path}")
    assert said[1:] == ["nothing was recorded"]


def test_tensors_of_no_module_are_said(watched):
    watch, said = watched()
    weight = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()
    watch.end()

    assert said == ["SGD trains parameters of no nn.Module; they are not recorded", "nothing was recorded"]


def test_a_program_that_trains_nothing_is_said(watched):
    watch, said = watched()
    watch.end()

    assert said == [
        "nothing was recorded: no optimizer of torch.optim made a step in this process (in processes that a program "
        "starts itself, as with torch.multiprocessing.spawn, training cannot be recorded; in those of torchrun it can)"
    ]


def test_a_fault_of_the_recorder_is_told_once_and_is_the_reason(watched, root, monkeypatch):
    model, other = network(), network()
    other.load_state_dict(model.state_dict())
    weights = train(other, sgd(other))
    watch, said = watched()
    monkeypatch.setattr(Recorder, "step", lambda recorder: {}["missing"])
    assert (train(model, sgd(model)) == weights).all()
    watch.end()

    fault = "not all was recorded, first at step 0: KeyError: 'missing'"
    assert said[0] == f"Sequential-00: {fault}"
    assert open_log(root / "Sequential-00").manifest.reason.endswith(fault)


def test_a_fault_of_our_own_does_not_reach_the_program(watched, monkeypatch):
    watch, said = watched()
    monkeypatch.setattr(Session, "follow", lambda session: 1 / 0)
    model = network()
    train(model, sgd(model))
    watch.end()

    assert said[0] == "a fault of recording, the program goes on: ZeroDivisionError: division by zero"


def test_weights_that_are_no_longer_finite_end_the_run_and_not_the_training(watched, root):
    watch, _ = watched()
    model = network()
    optimizer = sgd(model)
    train(model, optimizer)
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a program may have done that
        train(model, optimizer, 20)
    watch.end()

    log = open_log(root / "Sequential-00")
    assert (log.status, log.steps.tolist()) == ("diverged", [0, 1, 2, 3])


def test_nothing_goes_to_the_log_of_the_program(watched, caplog):
    caplog.set_level("DEBUG")
    watch, _ = watched()
    model = network()
    train(model, sgd(model))
    watch.end()

    assert caplog.messages == []


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "finished", ""),
        (SystemExit(0), "finished", ""),
        (SystemExit(), "finished", ""),
        (SystemExit(3), "failed", "the program ended with exit code 3"),
        (SystemExit("no data"), "failed", "the program ended with exit code 1"),
        (ValueError("two\nlines"), "failed", "ValueError: two"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
    ],
)
def test_how_the_program_ended_stands_in_the_run(error, status, reason, watched, root):
    watch, _ = watched()
    model = network()
    train(model, sgd(model))
    watch.ended(error)
    watch.end()

    manifest = open_log(root / "Sequential-00").manifest
    assert (manifest.status, manifest.reason) == (status, reason)


def test_a_step_that_is_never_completed_is_none(watched, root):
    watch, _ = watched()
    model = network()
    optimizer = sgd(model)
    with pytest.raises(ZeroDivisionError, match="by zero"):
        optimizer.step(lambda: 1 / 0)
    watch.end()

    assert open_log(root / "Sequential-00").manifest.reason == "no step was completed"


@pytest.mark.situation("`probes record`: training in a process that the script forked", "unsupported")
def test_training_in_a_fork_is_not_recorded_and_said(watched, root):
    watch, said = watched()
    model = network()
    optimizer = sgd(model)
    train(model, optimizer)
    child = os.fork()
    if child == 0:
        train(model, optimizer)
        watch.end()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    watch.end()

    told = "training in processes that were forked from this one is not recorded"
    assert said[0] == told
    assert said[1].startswith(f"Sequential-00 in {root}: 3 steps")
    assert open_log(root / "Sequential-00").manifest.reason == told
    assert open_log(root / "Sequential-00").faults == ()


@pytest.mark.situation("`probes record`: parameters that are sharded over processes (fully_shard)", "refused")
def test_a_sharded_model_is_refused(watched):
    class FSDPModule:
        pass

    class Sharded(FSDPModule, nn.Linear):
        pass

    watch, said = watched()
    model = Sharded(6, 2)
    sgd(model).step()
    loss_of(model).backward()
    watch.end()

    assert said[0] == (
        "Sharded is trained, but not recorded: expected parameters that this process can read alone, got some that are "
        "sharded over several; give every process a `probes.Recorder` of its own, in the script"
    )
