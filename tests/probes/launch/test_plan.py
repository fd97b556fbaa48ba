import re
from pathlib import Path

import pytest

from probes.errors import RunError, UsageError
from probes.launch import Launch, Plan, Program, TapText, parents
from probes.log.layout import MANIFEST


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("")
    return Program(str(path))


def test_a_run_is_known_by_its_manifest():
    assert parents.MANIFEST == MANIFEST


def test_a_missing_script_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^expected a training script, got `train.py`, which is no file$"):
        Plan(Program("train.py"), tmp_path).check()


def test_directions_are_read_before_the_program_starts(script, tmp_path):
    with pytest.raises(UsageError, match=r"^no directions could be read from `patches.npy`: No such file"):
        Plan(script, tmp_path / "runs", {"weight": TapText(Path("patches.npy"))}).check()


def test_a_folder_with_runs_is_refused_unless_forced(script, tmp_path):
    (tmp_path / "runs/Linear-00").mkdir(parents=True)
    (tmp_path / "runs/Linear-00" / MANIFEST).touch()
    text = f"expected no runs in {tmp_path}/runs, got 1 (Linear-00): name another folder with --out, or replace them"

    Plan(script, tmp_path / "runs", force=True).check()
    with pytest.raises(RunError, match=f"^{re.escape(text)} with --force$"):
        Plan(script, tmp_path / "runs").check()


def test_with_a_name_only_a_run_of_that_name_is_in_the_way(script, tmp_path):
    (tmp_path / "runs/seed-0").mkdir(parents=True)
    (tmp_path / "runs/seed-0" / MANIFEST).touch()
    text = f"expected no run at {tmp_path}/runs/seed-0 yet: choose another --name, or replace it with --force"

    Plan(script, tmp_path / "runs", name="seed-1").check()
    Plan(script, tmp_path / "runs", name="seed-0", force=True).check()
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        Plan(script, tmp_path / "runs", name="seed-0").check()


@pytest.mark.parametrize("forced", [False, True])
def test_a_run_and_a_file_are_no_folder_for_runs(forced, script, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MANIFEST).touch()
    (tmp_path / "file").touch()

    for name, what in {"run": "a run", "file": "a file"}.items():
        text = f"expected a folder for runs at {tmp_path / name}, got {what}: name another with --out"
        with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
            Plan(script, tmp_path / name, force=forced).check()


@pytest.mark.parametrize(("rank", "records"), [(None, True), ("0", True), ("1", False)])
def test_of_several_processes_the_first_records(rank, records, script, tmp_path, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    launch = Launch(Plan(script, tmp_path / "runs", {"weight": TapText(tmp_path / "missing.npy")}))

    assert launch.records is records
    if not records:
        launch.check()  # the first one does
