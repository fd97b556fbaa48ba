import resource
import subprocess
import sys

import pytest

from tests.repository.sources import ROOT

HEAVY = ("torch", "pandas", "h5py", "scipy", "seaborn", "matplotlib", "jinja2", "numpy")
LOADED = f"; import sys; print(*[name for name in {HEAVY} if name in sys.modules])"
HELP = """
from click.testing import CliRunner
from probes.cli import main
result = CliRunner().invoke(main, ["--help"])
"""


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def cpu_seconds(*arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_import_probes_loads_nothing_heavy():
    assert run("-c", f"import probes{LOADED}") == "\n"


def test_help_loads_nothing_heavy():
    assert run("-c", HELP + LOADED[2:]) == "\n"


@pytest.mark.parametrize("name", ["every", "first", "at", "logarithmic", "ProbesError"])
def test_a_light_name_loads_nothing_heavy(name):
    assert run("-c", f"from probes import {name}{LOADED}") == "\n"


@pytest.mark.parametrize("name", ["open_log", "open_logs"])
def test_reading_loads_neither_torch_nor_pandas(name):
    loaded = run("-c", f"from probes import {name}{LOADED}").split()

    assert not {"torch", "pandas"} & set(loaded)


def test_help_takes_less_than_half_a_second():
    # The time of the processor, not of the clock: other work on the machine must not decide.
    assert min(cpu_seconds("-m", "probes", "--help") for _ in range(3)) < 0.5
