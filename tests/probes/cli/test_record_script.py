"""`probes record` with a script: the command line, and trainings in processes of their own."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.cli.pending_launch import Handover
from probes.launch import Launch, Plan, Program, TapText
from probes.log import open_log, open_logs
from probes.schedules import parse
from tests.probes.launch.scripts import ENVIRONMENT, recorded, run, said

TRAIN = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.full((3,), float(index))


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=float(sys.argv[2]))
    for batch in DataLoader(Numbers(), batch_size=2, num_workers=1, multiprocessing_context="spawn", shuffle=True):
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()
    print(model.weight.tolist())
    sys.exit(3)
"""
PARALLEL = """
import os
import torch
from torch import distributed, nn

distributed.init_process_group("gloo")
torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Linear(3, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    model(torch.ones(4, 3) * distributed.get_rank()).square().mean().backward()
    optimizer.step()
if distributed.get_rank() == 0:
    print(model.module.weight.tolist())
distributed.destroy_process_group()
"""
SPAWNING = """
import torch


def train(index):
    weight = torch.nn.Linear(1, 1)
    torch.optim.SGD(weight.parameters()).step()


if __name__ == "__main__":
    torch.multiprocessing.spawn(train, nprocs=1)
"""


LIGHTNING = """
import lightning
import torch


class Network(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def training_step(self, batch):
        return self.layer(batch).square().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


network = Network()
options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
trainer = lightning.Trainer(max_epochs=2, accumulate_grad_batches=2, **options)
trainer.fit(network, torch.utils.data.DataLoader(torch.ones(8, 3)))
print(network.layer.weight.tolist())
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def axes(tmp_path):
    """Along the axes of its own space a weight's correlation is the weight itself."""
    np.save(tmp_path / "axes.npy", np.eye(3, dtype="f4"))
    return tmp_path / "axes.npy"


@pytest.mark.situation("`probes record train.py`: DataLoader workers by spawn, which unpickle its classes", "works")
def test_a_script_with_spawned_workers_is_recorded(write, axes, tmp_path):
    write("train.py", TRAIN)
    code, out, _ = recorded("train.py", "--lr", "0.1", cwd=tmp_path, options=["--tap", f"weight={axes}"])
    log = open_log(tmp_path / "runs/Linear-00")

    assert code == 3
    assert (log["weight"].shape, f"{log['weight'][3].tolist()}\n") == ((4, 2, 3), out)
    assert log.manifest.reason == "the program ended with exit code 3"
    assert log.manifest.recipe == {"program": "train.py --lr 0.1"}


@pytest.mark.situation("`torchrun -m probes record train.py`, DDP: rank 0 writes", "works")
def test_under_torchrun_the_first_process_records(write, axes, tmp_path):
    write("train.py", PARALLEL)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = [*torchrun, "-m", "probes", "record", "--out", "runs", "--tap", f"weight={axes}", "train.py"]
    code, out, told = run(*words, cwd=tmp_path, env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"})
    weights = open_log(tmp_path / "runs/Linear-00")["weight"][:]

    assert code == 0, told
    assert (len(weights), f"{weights[-1].tolist()}\n") == (4, out)
    assert [log.manifest.run_id for log in open_logs(tmp_path / "runs")] == ["Linear-00"]
    assert told.count("probes: ") == 1


@pytest.mark.slow
@pytest.mark.situation("`probes record`: training in processes of torch.multiprocessing.spawn", "unsupported")
def test_what_is_trained_in_spawned_processes_is_said_not_to_be_recorded(write, tmp_path):
    write("train.py", SPAWNING)

    (line,) = said("train.py", cwd=tmp_path)
    assert line.startswith(
        "nothing was recorded: no optimizer of torch.optim made a step in this process (in processes that a program"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.situation("`probes record train.py`: a script of Lightning's, unmodified", "works")
def test_a_lightning_script_is_recorded(write, axes, tmp_path):
    pytest.importorskip("lightning")
    write("train.py", LIGHTNING)
    code, out, _ = recorded("train.py", cwd=tmp_path, options=["--tap", f"layer.weight={axes}"])
    weights = open_log(tmp_path / "runs/Network-00")["layer.weight"][:]

    assert code == 0
    assert (len(weights), str(weights[-1].tolist())) == (9, out.splitlines()[-1])


MISUSES = {
    "train.py": "expected a training script, got `train.py`, which is no file",
    "": "expected a recipe, its TOML file, a script that ends in .py, or -m MODULE",
    "notes.txt": "expected a recipe, its TOML file, a script that ends in .py, or -m MODULE, got `notes.txt`",
    "--tap weight here.py": "expected --tap NAME=FILE, got 'weight', for example --tap conv1.weight=patches.npy",
    "--tap w=a.npy --tap w=b.npy here.py": "expected one --tap for `w`, got a.npy and b.npy",
    "--tap w=a.npy here.py": "no directions could be read from `a.npy`: No such file or directory",
    "--tap w=a.npy tiny": "expected `--tap` with a script, got it with a recipe",
    "tiny --tap a=b.npy": "expected `--tap` with a script, got it with a recipe",
    "--runs 3 here.py": (
        "expected `--runs` with a recipe, got it with a script; an option of the script stands after it"
    ),
    "--schedule now here.py": (
        "expected a schedule such as `every(100) | first(1000)` made of every, first, logarithmic, at, window, "
        "got `now`"
    ),
}


@pytest.mark.parametrize("line", MISUSES)
def test_what_cannot_be_run_is_refused_in_one_line(line, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("here.py", "raise RuntimeError('it must not run')")
    write("notes.txt", "")
    result = CliRunner().invoke(main, ["record", *line.split()])

    assert (result.exit_code, result.stderr) == (2, f"probes: {MISUSES[line]}\n")


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        ([], "every(1)"),
        (["--every", "5"], "every(5)"),
        (["--schedule", "first(3) | at(9)"], "first(3) | at(9)"),
        (["--every", "5", "--schedule", "first(3)"], "every(5) | first(3)"),
    ],
)
def test_the_options_say_what_is_recorded(options, schedule, write, axes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("train.py", "")
    context = main.make_context("probes", ["record"], obj=Handover())
    with context:
        command = main.get_command(context, "record")
        command.main(
            [*options, "--tap", f"*.weight={axes}", "train.py", "--lr"], obj=context.obj, standalone_mode=False
        )

    program, tap = Program("train.py", ("--lr",)), TapText(axes, f"--tap *.weight={axes}")
    assert context.obj.launch == Launch(Plan(program, Path("runs/train"), {"*.weight": tap}, parse(schedule)))


def test_help_before_a_script_is_ours_and_after_it_the_scripts(write, tmp_path):
    write("train.py", "import sys; print(sys.argv)")

    assert CliRunner().invoke(main, ["record", "--help", "train.py"]).stdout.startswith("Usage: ")
    assert recorded("train.py", "--help", cwd=tmp_path)[1] == "['train.py', '--help']\n"
