import os
import shutil
import subprocess
import sys

import pytest

from tests.repository.sources import ROOT

SCRIPTS = [ROOT / ".ci/run", *(ROOT / "scripts" / name for name in ("setup-venv", "test", "demo"))]


def executable(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/usr/bin/env bash", *lines, ""]))
    path.chmod(0o755)
    return path


def run(script, *arguments, **variables):
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    return subprocess.run(
        [script, *arguments], env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def checkout(tmp_path):
    """The scripts beside a stand-in for the environment whose tools say how they were called."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    executable(tmp_path / "scripts/setup-venv", f"echo {tmp_path}/venv")
    executable(tmp_path / "venv/bin/python", 'echo "python $*"', '[ "$2" != "${FAILS:-}" ]')
    executable(tmp_path / "venv/bin/probes", 'echo "probes $*"', '[ "$1" != claims ] || exit "${CODE:-0}"')
    return tmp_path


@pytest.fixture
def python(tmp_path):
    """A way to make an interpreter that lacks what a pattern names."""
    return lambda lacks, *lines: executable(
        tmp_path / "python", *lines, f'case "$*" in {lacks}) exit 1;; esac', f'exec {sys.executable} "$@"'
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_executed_and_parsed(script):
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_the_test_script_checks_style_types_and_behaviour(checkout):
    result = run(checkout / "scripts/test")

    pytest_ = "python -m pytest --numprocesses auto --dist worksteal"
    assert result.stdout.splitlines() == ["python -m ruff check", "python -m mypy", pytest_]
    assert result.returncode == 0


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pytest"])
def test_one_failure_fails_the_whole_after_all_have_run(checkout, tool):
    result = run(checkout / "scripts/test", FAILS=tool)

    assert len(result.stdout.splitlines()) == 3
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, f"scripts/test: failed: {tool}")


def test_arguments_go_to_the_tests_alone(checkout):
    result = run(checkout / "scripts/test", "tests/probes/log", "-k", "a b")

    assert result.stdout == "python -m pytest tests/probes/log -k a b\n"


def test_ci_runs_the_test_script(checkout):
    result = run(checkout / ".ci/run", CI="true", FAILS="mypy")

    assert (len(result.stdout.splitlines()), result.returncode) == (3, 1)


@pytest.mark.parametrize("code", [0, 3])
def test_the_demo_records_analyses_and_ends_with_the_claims(checkout, code):
    result = run(checkout / "scripts/demo", "--runs", "2", DEMO_OUT="out", CODE=code)

    assert result.returncode == code
    assert result.stdout.splitlines() == [
        "probes record theory --out out/runs --runs 2",
        "probes analyze out/runs --out out/report",
        "probes claims out/runs",
        "The report lies at out/report/report.html",
    ]


def test_set_up_without_python_says_what_to_do(tmp_path):
    result = run(ROOT / "scripts/setup-venv", PYTHON="python-none", VENV=tmp_path / "venv")

    line = "expected Python >= 3.11, found no 'python-none': install it or name another interpreter with PYTHON="
    assert (result.stdout, result.stderr, result.returncode) == ("", f"setup-venv: {line}\n", 1)


def test_set_up_with_an_old_python_says_what_to_do(tmp_path, python):
    old = python("*version_info*", '[ "$1" != --version ] || { echo Python 3.9.18; exit; }')
    result = run(ROOT / "scripts/setup-venv", PYTHON=old, VENV=tmp_path / "venv")

    line = f"expected Python >= 3.11, got Python 3.9.18 as '{old}': name another interpreter with PYTHON="
    assert (result.stderr, result.returncode) == (f"setup-venv: {line}\n", 1)


def test_set_up_without_ensurepip_and_pip_says_what_to_do(tmp_path, python):
    bare = python("*ensurepip*|*'-m pip'*")
    result = run(ROOT / "scripts/setup-venv", PYTHON=bare, VENV=tmp_path / "venv")

    assert result.stderr.splitlines()[-1] == (
        f"setup-venv: expected {bare} with ensurepip or pip, got neither: install one (Debian: apt install "
        "python3-venv) or name another interpreter with PYTHON="
    )
    assert result.returncode == 1


def test_set_up_touches_no_folder_that_is_no_environment(tmp_path):
    result = run(ROOT / "scripts/setup-venv", PYTHON=sys.executable, VENV=tmp_path)

    line = f"expected a virtual environment or nothing at {tmp_path}, got something else: move it away or name another"
    assert (result.stderr, result.returncode) == (f"setup-venv: {line} place with VENV=\n", 1)


def test_set_up_installs_once(tmp_path, python):
    noting = python("nothing", f'case "$*" in *"pip install"*) echo "$*" >>{tmp_path}/installs; exit;; esac')
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "venv/bin/python").symlink_to(noting)

    results = [run(ROOT / "scripts/setup-venv", "dev", PYTHON=noting, VENV=tmp_path / "venv") for _ in range(2)]

    assert [result.stdout for result in results] == [f"{tmp_path}/venv\n"] * 2
    installs = (tmp_path / "installs").read_text().splitlines()
    assert [line.rpartition(" ")[2] for line in installs] == ["setuptools", f"{ROOT}[dev]"]
