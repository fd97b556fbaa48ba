import os
import re
import resource
import subprocess
import sys

import pytest
from click.testing import CliRunner

from probes import open_logs
from probes.cli import main
from tests.repository.sources import ROOT

FOLDER = ROOT / "docs" / "tutorials"
SCRIPTS = sorted(FOLDER.glob("*.py"))
TAPS = {
    "character_transformer": [
        "block.linear1.weight",
        "block.linear2.weight",
        "block.self_attn.in_proj_weight",
        "unembed",
    ],
    "committee_machine": ["hidden.weight"],
    "digits_cnn": ["0.weight.components", "0.weight.digits"],
    "modular_addition": ["0.weight"],
}
MEMBERS = {"seed-0", "seed-1"}
RUNS = {
    "character_transformer": (MEMBERS, set()),
    "committee_machine": (MEMBERS, set()),
    "digits_cnn": ({"single-0", "single-1"}, {"student-300", "class-mean-300"}),
    "modular_addition": ({"single-0", "single-1"}, {"student-100", "class-mean-100"}),
}
WITHOUT_OUTPUTS = {"committee_machine"}  # it answers with a number, not with a class


@pytest.fixture(scope="module", params=SCRIPTS, ids=lambda path: path.stem)
def recorded(request, tmp_path_factory):
    """The name of a tutorial, the runs of its quick form by run id, and the seconds of processor time it took."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(request.param), "--quick"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    logs = open_logs(folder / "runs" / request.param.stem)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return request.param.stem, {log.manifest.run_id: log for log in logs}, seconds


def test_there_are_four_tutorials_with_a_page_each():
    assert [path.stem for path in SCRIPTS] == sorted(TAPS) == [path.stem for path in sorted(FOLDER.glob("*.md"))]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_has_at_most_60_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_and_page_show_both_commands(path):
    commands = (f"python docs/tutorials/{path.name}", f"probes analyze runs/{path.stem} --out report")
    for text in (path.read_text(encoding="utf-8"), path.with_suffix(".md").read_text(encoding="utf-8")):
        assert [command for command in commands if command not in text] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_page_links_to_is_there(path):
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(((?!https?:)[^)#]+)[^)]*\)", text)

    assert [target for target in targets if not (FOLDER / target).exists()] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_code_that_a_page_shows_is_the_script_s(path):
    script = path.read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", path.with_suffix(".md").read_text(encoding="utf-8"), flags=re.DOTALL)

    assert shown
    assert [block for block in shown if block not in script] == []


def test_members_have_no_parents_and_students_have_all_members(recorded):
    name, logs, _ = recorded
    members, students = RUNS[name]

    assert logs.keys() == members | students
    assert {run for run, log in logs.items() if not log.manifest.parents} == members
    assert all(set(logs[run].manifest.parents) == members for run in students)


def test_every_run_is_finished_and_has_its_taps_with_a_null_each(recorded):
    name, logs, _ = recorded
    for log in logs.values():
        assert log.status == "finished"
        assert sorted(log.series) == sorted([*TAPS[name], *(f"{tap}.null" for tap in TAPS[name])])
        assert log.scalars().notna().any().all()


def test_all_runs_have_outputs_of_the_same_samples(recorded):
    name, logs, _ = recorded
    sets = {run: set(log.output_sets) for run, log in logs.items()}
    assert sets == dict.fromkeys(logs, set() if name in WITHOUT_OUTPUTS else {"test"})
    if name not in WITHOUT_OUTPUTS:
        assert len({log.outputs("test").labels.tobytes() for log in logs.values()}) == 1


def test_a_quick_form_takes_less_than_20_seconds_of_one_processor(recorded):
    assert recorded[2] < 20


def test_the_runs_of_a_quick_form_are_one_study_that_can_be_analysed(recorded):
    name, logs, _ = recorded
    result = CliRunner().invoke(main, ["analyze", str(next(iter(logs.values())).path.parent)])

    assert result.exit_code == 0, result.output
    assert "What runs end with" in result.output
    assert ("What ensembles of K members err" in result.output) == (name not in WITHOUT_OUTPUTS)
    assert ("What students have of their teachers' features" in result.output) == bool(RUNS[name][1])
