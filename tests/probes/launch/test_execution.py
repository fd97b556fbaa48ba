"""Scripts that replace their process, by themselves or by another program."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from probes.launch.execution import Executions, recorded_again
from probes.launch.program import Program
from probes.log import open_log
from tests.probes.launch.scripts import ENVIRONMENT, recorded, run, said

TRAINING = """
import sys
import numpy as np
import torch

torch.manual_seed(0)
model = torch.nn.Linear(6, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
seen = [model.weight.detach().clone()]
for _ in range(5):
    optimizer.zero_grad()
    model(torch.ones(2, 6)).square().sum().backward()
    optimizer.step()
    seen.append(model.weight.detach().clone())
np.save("seen.npy", torch.stack(seen).numpy())
"""
AGAIN = """
import os, sys
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv{how}
"""
WAYS = {
    "execv": "(sys.executable, [sys.executable, *sys.argv])",
    "execve": "e(sys.executable, [sys.executable, *sys.argv], os.environ)",
    "execvp with options": "p(sys.executable, [sys.executable, '-u', '-W', 'ignore', *sys.argv])",
    "as it was started": "(sys.executable, sys.orig_argv)",
}


def expected(tmp_path):
    return np.load(tmp_path / "seen.npy")


@pytest.fixture
def options(tmp_path):
    np.save(tmp_path / "axes.npy", np.eye(6, dtype="f4"))
    return ["--tap", "weight=axes.npy"]


@pytest.mark.situation("`probes record`: a script that executes itself again, as to set PYTHONHASHSEED", "works")
@pytest.mark.parametrize("way", WAYS)
def test_a_script_that_executes_itself_is_recorded(way, write, options, tmp_path):
    write("train.py", AGAIN.format(how=WAYS[way]) + TRAINING + "print(sys.argv)")

    assert recorded("train.py", "--lr", "1", cwd=tmp_path, options=options)[:2] == (0, "['train.py', '--lr', '1']\n")
    assert (open_log(tmp_path / "runs/Linear-00")["weight"][:] == expected(tmp_path)).all()


@pytest.mark.parametrize("command", ["[sys.executable, *sys.argv]", "[sys.executable, '-m', 'train']"])
def test_a_module_that_executes_itself_is_recorded(command, write, options, tmp_path):
    write("train.py", AGAIN.format(how=f"(sys.executable, {command})") + TRAINING)

    assert recorded("-m", "train", cwd=tmp_path, options=options)[0] == 0
    assert (open_log(tmp_path / "runs/Linear-00")["weight"][:] == expected(tmp_path)).all()


@pytest.mark.situation("`probes record`: a script that executes itself again after training", "refused")
def test_what_is_trained_before_is_complete_and_the_rest_is_said_not_to_be_recorded(write, options, tmp_path):
    again = "import os\nif 'x' in sys.argv: sys.exit(3)\nos.execv(sys.executable, [sys.executable, *sys.argv, 'x'])"
    write("train.py", TRAINING + again)

    lines = said("train.py", cwd=tmp_path, options=options)
    assert lines == ["the program replaces its process by another; what that trains is not recorded"]
    assert (open_log(tmp_path / "runs/Linear-00")["weight"][:] == expected(tmp_path)).all()


def test_another_program_is_executed_as_it_is(write, tmp_path):
    write("other.py", "import sys; print(sys.orig_argv[1:], 'probes' in sys.modules); sys.exit(4)")
    write("train.py", "import os, sys\nos.execvp('python3', ['python3', 'other.py', 'train.py'])")
    path = {"PATH": f"/nowhere:{Path(sys.executable).parent}:{os.environ['PATH']}"}

    alone = run("train.py", cwd=tmp_path, env=ENVIRONMENT | path)
    assert alone[:2] == (4, "['other.py', 'train.py'] False\n")
    assert recorded("train.py", cwd=tmp_path, env=ENVIRONMENT | path) == alone
    assert said("train.py", cwd=tmp_path, env=ENVIRONMENT | path) == [
        "the program replaces its process by another; what that trains is not recorded"
    ]


def test_a_program_that_is_not_there_is_an_error_of_the_script_alone(write, tmp_path):
    write("train.py", "import os\ntry: os.execvp('nobody', ['nobody'])\nexcept FileNotFoundError: print('none')")

    assert recorded("train.py", cwd=tmp_path) == (0, "none\n", "")
    assert [line[:20] for line in said("train.py", cwd=tmp_path)] == ["nothing was recorded"]


def test_a_fork_that_executes_something_is_left_alone(write, tmp_path):
    child = "if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-c', 'print(5)'])\nos.wait()"
    write("train.py", f"import json, os, sys\n{child}")

    code, out, _ = recorded("train.py", cwd=tmp_path)
    assert (code, json.loads(out)) == (0, 5)
    assert [line[:20] for line in said("train.py", cwd=tmp_path)] == ["nothing was recorded"]


@pytest.mark.parametrize("folder", [".", "elsewhere"])
def test_options_hold_only_where_they_were_given(folder, write, options, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    script = write(
        "train.py", f"import os\nos.chdir({str(tmp_path / folder)!r})" + AGAIN.format(how=WAYS["execv"]) + TRAINING
    )

    assert recorded(script, cwd=tmp_path, options=options)[0] == 0
    assert (tmp_path / "runs/Linear-00/run.json").is_file() == (folder == ".")


@pytest.mark.parametrize(
    "started", [["pytest", "tests"], ["python", "-c", "main()"], ["python", "-m", "probes", "record", "other.py"]]
)
def test_a_process_that_does_other_things_is_not_started_again(started):
    assert recorded_again(Program("train.py"), started, ["python", "train.py"]) is None


def test_all_functions_of_os_are_as_before_when_it_has_ended():
    before = os.execv, os.execve
    executions = Executions(Program("train.py"), bool)
    executions.attach()
    executions.detach()

    assert (os.execv, os.execve) == before
