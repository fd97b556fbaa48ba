"""`probes record` with a script: names, parents and taps of every form, on the command line and in the script."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from probes import estimators, open_log
from probes.cli import main
from probes.estimators import Patches
from probes.log.manifest import Manifest, write_manifest
from tests.probes.launch.scripts import ENVIRONMENT, run

TRAIN = """
import sys
import torch
from torch import nn

torch.manual_seed(int(sys.argv[1]))
model = nn.ModuleDict({"conv1": nn.Conv2d(1, 3, 2), "attn": nn.MultiheadAttention(4, 2)})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
before = torch.get_rng_state()
for _ in range(2):
    optimizer.zero_grad()
    sum(parameter.square().sum() for parameter in model.parameters()).backward()
    optimizer.step()
weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
torch.save({**weights, "random": torch.equal(before, torch.get_rng_state())}, "weights.pt")
print("trained")
"""
DISTILLED = """
import torch
from torch import nn

import probes


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()


teachers = [probes.role(nn.Linear(3, 2), "teacher", name=f"teacher-{seed}") for seed in range(2)]
for teacher in teachers:
    train(teacher)
train(probes.role(nn.Linear(3, 2), "student", name="student", parents=teachers))
"""
HIDING = """
import threading
import torch


def train():
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        try:
            model.zero_grad()
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
        except BaseException:
            print("hidden")
            if {again}:
                continue
            raise


{start}
print("at the end")
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    np.save("V.npy", np.eye(4, dtype="f4"))


def record(*words):
    code, out, told = run("-m", "probes", "record", *words, cwd=Path.cwd(), env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"})
    return code, out, [line.removeprefix("probes: ") for line in told.splitlines()]


def weights():
    return torch.load("weights.pt", weights_only=True)


@pytest.mark.situation("`probes record --name --role --parent`: calls of a script as the runs of one study", "works")
def test_calls_with_names_make_one_study():
    Path("others/seed-1").mkdir(parents=True)
    write_manifest("others/seed-1", Manifest("seed-1", ()))
    assert record("--name", "seed-0", "train.py", "0")[0] == 0
    parents = ["--parent", "others/seed-1", "--parent", "seed-0"]
    assert record("--name", "student", "--role", "student", *parents, "train.py", "2")[0] == 0
    listed = json.loads(CliRunner().invoke(main, ["list", "runs", "--json"]).stdout)

    manifest = open_log("runs/student").manifest
    assert {one["run"] for one in listed} == {"seed-0", "student"}
    assert (manifest.name, manifest.role, manifest.parents) == ("student", "student", ("seed-1", "seed-0"))


@pytest.mark.situation("`probes record` of a script that states names and parents with `probes.role`", "works")
def test_a_script_states_its_own_names_and_runs_without_the_recorder():
    Path("distil.py").write_text(DISTILLED)

    assert run("distil.py", cwd=Path.cwd(), env=ENVIRONMENT)[0::2] == (0, "")
    assert record("distil.py")[0] == 0
    manifest = open_log("runs/distil/student").manifest
    assert (manifest.role, manifest.parents) == ("student", ("teacher-0", "teacher-1"))
    assert open_log("runs/distil/teacher-1").manifest.role == "teacher"


@pytest.mark.situation("`probes record --tap`: columns, heads of attention and names of axes, by layout", "works")
def test_taps_have_layouts():
    np.save("phases.npy", np.eye(4, dtype="f4").reshape(2, 2, 4))
    taps = ["--tap", "attn.in_proj_weight=phases.npy:split=3,2,-1:names=frequency,phase"]
    taps += ["--tap", "attn.out_proj.weight=V.npy:transposed:dims=channel"]
    assert record("--name", "a", *taps, "train.py", "0")[0] == 0
    log, expected = open_log("runs/a"), weights()["attn.in_proj_weight"].reshape(3, 2, 2, 4)

    series = log["attn.in_proj_weight"]
    assert series.dims == ("step", "projection", "head", "neuron", "frequency", "phase")
    assert (series[-1].reshape(3, 2, 2, 4) == expected.numpy()).all()
    norm = log["attn.in_proj_weight.norm"]
    assert norm.dims == ("step", "projection", "head", "neuron")
    assert np.allclose(norm[-1], expected.norm(dim=-1))
    assert log["attn.out_proj.weight"].dims == ("step", "channel", "feature")


@pytest.mark.situation("`probes record --tap 'NAME=class_means(FILE)'`: directions estimated for the layer", "works")
def test_directions_are_estimated_and_the_training_is_the_same():
    images = np.random.default_rng(0).random((20, 1, 3, 3), "f4")
    np.savez("data.npz", x=images, y=np.arange(20) % 2)
    assert run("train.py", "0", cwd=Path.cwd(), env=ENVIRONMENT)[0] == 0
    bare = weights()
    assert record("--name", "a", "--tap", "conv1.weight=class_means(data.npz)", "train.py", "0")[0] == 0

    conv = torch.nn.Conv2d(1, 3, 2)
    means = estimators.class_means(images, np.arange(20) % 2, layout=Patches.of(conv))
    log, recorded = open_log("runs/a"), weights()
    assert recorded["random"]
    assert torch.equal(bare["conv1.weight"], recorded["conv1.weight"])
    assert np.allclose(log["conv1.weight"][-1], bare["conv1.weight"].flatten(1) @ means.flat().T, atol=1e-6)
    assert {"conv1.weight", "conv1.weight.null", "conv1.weight.norm"} == set(log.series)


@pytest.mark.situation("`probes record --tap`: a name that is no parameter's", "refused")
def test_a_tap_that_matches_nothing_ends_the_script_before_training():
    name = "con1.weight"
    code, out, told = record("--name", "a", "--tap", f"{name}=V.npy", "train.py", "0")

    assert (code, out) == (2, "")
    (line,) = told
    assert line.startswith(f"expected a parameter for `--tap {name}=V.npy`, got none in ModuleDict, which has ")
    assert "conv1.weight" in line
    assert line.endswith("; the program ends before its first update")
    assert not Path("runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "again", "out"),
    [
        ("train()", False, "hidden\n"),
        ("train()", True, "hidden\nhidden\nhidden\nat the end\n"),
        ("threading.Thread(target=train).start()", False, None),
    ],
)
def test_a_script_that_hides_the_end_of_it_still_has_exit_code_2(start, again, out):
    Path("train.py").write_text(HIDING.replace("{start}", start).replace("{again}", str(again)))
    code, printed, told = record("--tap", "wieght=V.npy", "train.py")

    assert (code, len(told)) == (2, 1)
    assert out is None or printed == out


MISUSES = {
    "--name a/b train.py": "expected after --name letters, digits, `.`, `_` and `-`, got 'a/b'",
    "--parent none train.py": (
        "expected for --parent the path of a run, or the id of one below runs/train, got `none`"
    ),
    "--parent V.npy train.py": "expected for --parent a recorded run, got `V.npy`, where no run.json can be read",
    "--name a --parent there/a train.py": ("expected for --parent another run than `a` itself, which --name names"),
    "--name a tiny": "expected `--name` with a script, got it with a recipe",
    "--role a tiny": "expected `--role` with a script, got it with a recipe",
    "--parent a tiny": "expected `--parent` with a script, got it with a recipe",
    "--tap w=V.npy:transpose train.py": (
        "expected in `--tap w=V.npy:transpose` :transposed, :split=LENGTHS, :dims=NAMES, :names=NAMES or "
        ":component=NAME, each once, got `:transpose`"
    ),
    "--tap w=class_means(none.npz) train.py": "no samples could be read from `none.npz`: No such file or directory",
}


@pytest.mark.parametrize("line", MISUSES)
def test_what_cannot_be_is_refused_in_one_line(line):
    Path("there/a").mkdir(parents=True)
    write_manifest("there/a", Manifest("a", ()))
    result = CliRunner().invoke(main, ["record", *line.split()])

    assert (result.exit_code, result.stderr) == (2, f"probes: {MISUSES[line]}\n")
