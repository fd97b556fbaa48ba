import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from probes import analysis

ROOT = Path(__file__).parents[2]
HEAVY = ("seaborn", "matplotlib", "scipy", "jinja2")


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", analysis._MODULE_OF)
def test_a_lazy_name_is_its_modules_own(name):
    assert getattr(analysis, name) is getattr(importlib.import_module(analysis._MODULE_OF[name]), name)


def test_a_function_stays_itself_when_its_module_of_the_same_name_is_imported():
    module = "probes.analysis.findings.coverage"
    code = f"import {module}; from probes import analysis; print(type(analysis.coverage).__name__)"

    assert run(code) == "function\n"


def test_the_stub_names_what_is_lazy():
    stub = Path(analysis.__file__).with_suffix(".pyi").read_text()
    seen = {name: module for module, name in re.findall(r"from (\S+) import (\w+) as \2\n", stub)}

    assert seen == analysis._MODULE_OF | dict.fromkeys(analysis._SUBPACKAGES, "probes.analysis")


def test_dir_lists_all_names():
    assert set(dir(analysis)) == {*analysis.__all__, *analysis._SUBPACKAGES}


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match=r"^module 'probes\.analysis' has no attribute 'nothing'$"):
        analysis.nothing  # noqa: B018 - being asked for is what is tested


@pytest.mark.parametrize(
    "module", ["probes.analysis", "probes.analysis.theory", "probes.cli.verbs.list", "probes.cli.verbs.watch"]
)
def test_nothing_that_draws_or_computes_is_loaded_before_it_is_needed(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"

    assert run(code) == "\n"
