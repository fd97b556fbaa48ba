"""What cannot be recorded is said in a line; what the program computes stays the same."""

import os
import signal
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from probes.launch.session import Session
from probes.launch.tap_text import TapText
from probes.log import open_log
from probes.recording import Recorder
from tests.probes.launch.training import loss_of, network, train

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def refused(watched, model, **taps):
    """What is said of taps that do not suit a model; its training must not begin."""
    watch, said = watched(taps={key.replace("_", "."): tap for key, tap in taps.items()})
    weights = model[0].weight.detach().clone()
    for _ in range(2):  # also where the program goes on
        with pytest.raises(SystemExit, match=r"^2$"):
            train(model, sgd(model), 1)
    watch.end()

    assert torch.equal(model[0].weight, weights)
    (line,) = said
    return line


def test_a_tap_that_chooses_nothing_ends_the_program_before_its_first_update(watched, root, tap):
    line = refused(watched, network(), x1_weight=tap)

    assert line == (
        "expected a parameter for `--tap NAME=axes.npy`, got none in Sequential, which has 0.weight, 2.weight, 0.bias, "
        "2.bias; the program ends before its first update"
    )
    assert not root.exists()


def test_of_several_models_the_one_with_the_nearest_name_is_named(watched, tap):
    other = nn.ModuleDict({"conv1": nn.Linear(6, 2)})  # not trained yet
    line = refused(watched, network(), con1_weight=tap)

    assert "got none in ModuleDict, which has conv1.weight, conv1.bias; the" in line, other


@pytest.mark.situation("`probes record --tap`: directions of another dim than the parameter's", "refused")
def test_directions_of_another_dim_end_the_program_before_its_first_update(watched, root, tmp_path):
    np.save(tmp_path / "wrong.npy", np.eye(5))
    line = refused(watched, network(), **{"0_weight": TapText(tmp_path / "wrong.npy")})

    assert line.startswith("expected directions of dim 6 for `0.weight`")
    assert line.endswith("; the program ends before its first update")
    assert not root.exists()


def test_directions_that_turn_out_to_be_none_end_the_program(watched, tmp_path):
    np.save(tmp_path / "zeros.npy", np.zeros((2, 6)))
    line = refused(watched, network(), **{"0_weight": TapText(tmp_path / "zeros.npy")})

    assert line.startswith(f"no directions could be read from `{tmp_path}")


def test_two_taps_of_one_parameter_end_the_program(watched, tap):
    line = refused(watched, network(), **{"0_weight": tap, "0_*": tap})

    assert line == (
        "expected one tap for `0.weight`, got `--tap NAME=axes.npy` and `--tap NAME=axes.npy`; make one narrower; the "
        "program ends before its first update"
    )


def test_a_later_model_that_no_tap_fits_is_said_and_trained(watched, root, tap):
    watch, said = watched(taps={"0.weight": tap})
    first = network()
    train(first, sgd(first))
    for model in (nn.Linear(6, 2), nn.Linear(6, 2)):
        weights = model.weight.detach().clone()
        model(torch.ones(1, 6)).sum().backward()
        sgd(model).step()
        assert not torch.equal(model.weight, weights)
    watch.end()

    told = "expected a parameter's name or glob, got `0.weight`; there are weight, bias"
    assert said[0] == f"Linear is trained, but not recorded: {told}"
    assert [line.split(" in ")[0] for line in said[2:]] == ["Sequential-00"]


def test_a_tap_that_fits_one_of_two_models_is_no_fault(watched, root, tap):
    watch, said = watched(taps={"1.0.weight": tap, "0.weight": tap})
    models = [network(), nn.Sequential(nn.Identity(), network())]
    for model in models:
        train(model, sgd(model))
    watch.end()

    assert [line.split(":")[0] for line in said] == [f"Sequential-00, Sequential-01 in {root}"]


def test_a_tap_of_tensors_of_no_module_ends_the_program(watched, tap):
    watch, said = watched(taps={"no.such": tap})
    weight = torch.ones(2, requires_grad=True)
    weight.sum().backward()
    with pytest.raises(SystemExit, match=r"^2$"):
        torch.optim.SGD([weight], lr=0.1).step()
    watch.end()

    assert said[0].startswith("expected a parameter for `--tap NAME=axes.npy`, got")
    assert weight.tolist() == [1, 1]


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
