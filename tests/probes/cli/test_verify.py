import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from tests.probes.log.runs import closed, segmented

from probes.cli import main
from tests.repository.sources import ROOT


@pytest.fixture
def root(tmp_path):
    """One run that is whole and has a stranger, and one without a segment."""
    (closed(tmp_path / "a").path / "notes.txt").touch()
    (segmented(tmp_path / "b").path / "seg-000001.h5").unlink()
    return tmp_path


def verify(*words):
    return CliRunner().invoke(main, ["verify", *map(str, words)])


def test_a_whole_run_prints_nothing_but_what_is_worth_to_know(root):
    result = verify(root / "a")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"`{root}/a/notes.txt` is no file of a run\nruns: 1, faults: 0\n"


def test_a_fault_is_a_line_and_exit_code_3(root):
    result = verify(root)

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, "runs: 2, faults: 1")
    assert result.stdout == f"`{root}/b/seg-000001.h5` is missing, and its rows with it\n"


def test_json_has_a_row_for_every_run(root):
    result = verify(root / "b", root / "a", "--json")

    missing, stranger = f"`{root}/b/seg-000001.h5` is missing, and its rows with it", f"`{root}/a/notes.txt` is no file"
    assert json.loads(result.stdout) == [
        {"run": f"{root}/b", "whole": False, "faults": [missing], "notes": []},
        {"run": f"{root}/a", "whole": True, "faults": [], "notes": [f"{stranger} of a run"]},
    ]
    assert result.exit_code == 3


@pytest.mark.parametrize("name", ["", "away"])
def test_what_holds_no_run_is_exit_code_1(tmp_path, name):
    result = verify(tmp_path / name)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert str(tmp_path) in result.stderr


def test_checking_takes_neither_torch_nor_pandas(root):
    loaded = "print({'torch', 'pandas'} & {*sys.modules})"
    line = f"import sys; from probes.cli import main; main(standalone_mode=False); {loaded}"
    command = [sys.executable, "-c", line, "verify", str(root / "a")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
