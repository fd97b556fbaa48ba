import os
import signal
import subprocess
import sys
import time

import pytest

from tests.probes.launch.scripts import ARGUMENTS, ENVIRONMENT, SCRIPTS, recorded, run

CONSOLE = "import sys\nfrom probes.cli import main\nsys.exit(main())\n"  # as pip writes it for an entry point
RELATIVE = """
import sys
from . import near
from .near import fact
print(sys.argv, sys.path[0], __name__, __package__, __file__, __spec__.name, __cached__, fact, near.__name__)
"""
SLEEPING = "import time\nprint('asleep', flush=True)\ntime.sleep(60)\n"


@pytest.mark.situation("`probes record train.py`: a script sees what it sees without it", "works")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_as_python_runs_it(name, write, tmp_path):
    write("train.py", SCRIPTS[name])

    assert recorded("train.py", *ARGUMENTS, cwd=tmp_path) == run("train.py", *ARGUMENTS, cwd=tmp_path)


@pytest.mark.parametrize("name", ["globals", "uncaught", "interrupted", "children"])
def test_the_installed_command_runs_it_so_too(name, write, tmp_path):
    write("train.py", SCRIPTS[name])
    command = write("bin/probes", CONSOLE)

    assert recorded("train.py", cwd=tmp_path, entry=[command]) == run("train.py", cwd=tmp_path)


def test_what_was_imported_before_knows_its_classes_too(write, tmp_path):
    write("train.py", SCRIPTS["children"])
    early = ["-c", "import multiprocessing\nfrom probes.cli import main\nmain()"]

    assert recorded("train.py", cwd=tmp_path, entry=early) == run("train.py", cwd=tmp_path)


@pytest.mark.parametrize("typed", ["src/train.py", "./src/train.py", "src/../src/train.py", "{folder}/src/train.py"])
def test_a_script_elsewhere_finds_what_lies_beside_it(typed, write, tmp_path):
    write("src/beside.py", "fact = 5")
    write("src/train.py", "import sys, beside\nprint(beside.fact, sys.argv, sys.path[0], __file__)")
    script = typed.format(folder=tmp_path)

    assert recorded(script, cwd=tmp_path) == run(script, cwd=tmp_path)
    assert recorded(script, cwd=tmp_path)[0] == 0


@pytest.mark.situation("`probes record`: a script behind symbolic links", "works")
def test_a_script_behind_links_finds_what_lies_beside_its_file(write, tmp_path):
    write("src/beside.py", "fact = 5")
    write("src/train.py", "import sys, beside\nprint(beside.fact, sys.argv, sys.path[0], __file__)")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/first.py").symlink_to("../src/train.py")
    (tmp_path / "link.py").symlink_to("bin/first.py")

    assert recorded("link.py", cwd=tmp_path) == run("link.py", cwd=tmp_path)
    assert recorded("link.py", cwd=tmp_path)[0] == 0


@pytest.mark.parametrize("flags", [{"PYTHONSAFEPATH": "1"}, {"PYTHONOPTIMIZE": "1", "PYTHONUNBUFFERED": "1"}])
def test_flags_of_python_hold(flags, write, tmp_path):
    write("train.py", "import sys\nprint(sys.flags, sys.path)\nassert not sys.argv")

    assert recorded("train.py", cwd=tmp_path, env=ENVIRONMENT | flags) == run(
        "train.py", cwd=tmp_path, env=ENVIRONMENT | flags
    )


@pytest.mark.situation("`probes record -m package.module`, with relative imports", "works")
@pytest.mark.parametrize("name", ["package", "package.train", "package.fails", "package.missing", "package.children"])
def test_a_module_runs_as_python_runs_it(name, write, tmp_path):
    write("package/__init__.py", "import sys\nprint('package', sys.argv)")
    write("package/near.py", "fact = 5")
    write("package/__main__.py", RELATIVE)
    write("package/train.py", RELATIVE)
    write("package/fails.py", SCRIPTS["uncaught"])
    write("package/children.py", SCRIPTS["children"])

    assert recorded("-m", name, *ARGUMENTS, cwd=tmp_path) == run("-m", name, *ARGUMENTS, cwd=tmp_path)


def test_a_module_interrupted_dies_of_it(write, tmp_path):
    write("train.py", SCRIPTS["interrupted"])
    code, out, told = recorded("-m", "train", cwd=tmp_path)

    assert (code, out, told) == run("-m", "train", cwd=tmp_path)
    assert code == -signal.SIGINT


@pytest.mark.situation("`probes record`: Ctrl-C shows the script's own traceback", "works")
def test_an_interrupt_from_outside_shows_the_frames_of_the_script_alone(write, tmp_path):
    write("train.py", SLEEPING)
    words = [sys.executable, "-m", "probes", "record", "train.py"]
    with subprocess.Popen(
        words, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        told = process.stderr.read()

    assert process.returncode == -signal.SIGINT
    assert told.splitlines()[:3] == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/train.py", line 3, in <module>',
        "    time.sleep(60)",
    ]
