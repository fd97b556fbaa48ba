import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.errors import UsageError
from probes.log import open_logs
from probes.studies import evaluate_run, record_study
from probes.studies.estimate import estimate
from probes.studies.kinds import EXPERIMENTS, KINDS, experiment
from probes.studies.recipe_files import built_in, names, override, parse
from probes.studies.sweep_files import load_sweep
from probes.studies.tables import to_toml
from tests.probes.studies.blobs import BlobRecipe, BlobStudy

TOML = "name = 'mine'\n[data]\nkind = 'blobs'\nspread = 2.0\n"


@pytest.fixture(autouse=True)
def _blobs(monkeypatch):
    """A further kind of study, as a line in the list would have it."""
    monkeypatch.setitem(KINDS, "blobs", BlobStudy)


class CutOff:
    """A watcher that ends the process at a step."""

    def __init__(self, step):
        self.at = step

    def begin(self, phase, runs):
        pass

    def advance(self, step):
        if step == self.at:
            raise MemoryError

    def end(self, note):
        pass


def first(logs):
    """The first value of every run at every step."""
    return {log.manifest.role: log["first.weight"][:, 0, 0].tolist() for log in logs}


def test_every_built_in_recipe_is_of_a_kind_that_is_listed():
    assert {type(experiment(built_in(name))) for name in names()} == set(EXPERIMENTS)


def test_the_kind_of_data_says_which_recipe_it_is():
    assert parse(TOML).data.spread == 2.0
    assert parse(to_toml(parse(TOML))) == parse(TOML) == override(BlobRecipe("mine"), {"data.spread": "2"})


def test_runs_are_recorded_phase_by_phase_with_whom_they_learn_from(tmp_path):
    logs = open_logs(record_study(parse(TOML), tmp_path))
    assert [log.manifest.role for log in logs] == ["single", "single", "student"]
    assert first(logs) == {"single": [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0], "student": [11.0 + 2 * k for k in range(7)]}
    assert logs[2].manifest.parents == tuple(log.manifest.run_id for log in logs[:2])
    assert logs[0].manifest.seeds == {"study": 0, "init": 0}
    assert logs[0].manifest.recipe["data"] == {"kind": "blobs", "spread": 2.0}
    assert logs[0].outputs("test").logits.shape == (3, 3)


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_a_study_that_is_cut_off_ends_as_if_it_had_not_been(tmp_path, seconds):
    whole = first(open_logs(record_study(parse(TOML), tmp_path / "whole")))
    with pytest.raises(MemoryError):
        record_study(parse(TOML), tmp_path / "cut", checkpoint_seconds=seconds, watcher=CutOff(4))
    logs = open_logs(record_study(parse(TOML), tmp_path / "cut"))

    assert first(logs) == whole
    assert logs[0].manifest.attempts == ((3 if seconds == 0 else -1),)
    assert list((tmp_path / "cut").glob("checkpoint-*")) == []


def test_a_run_that_diverges_ends_there_and_teaches_nobody(tmp_path):
    logs = open_logs(record_study(override(parse(TOML), {"diverges_at": "3"}), tmp_path))
    assert [(log.status, len(log.steps)) for log in logs] == [("diverged", 3), ("finished", 7), ("diverged", 3)]
    assert logs[2].manifest.parents == (logs[1].manifest.run_id,)


def test_a_study_can_be_measured_again(tmp_path):
    run = next(record_study(parse(TOML), tmp_path).glob("single-00*"))
    assert evaluate_run(run).outputs("again").logits.shape == (3, 3)


def test_what_it_takes_is_what_it_says(tmp_path):
    found = estimate(parse(TOML))
    assert [(phase.name, phase.runs, phase.rows, phase.values) for phase in found.phases] == [
        ("single", 2, 7, 12),
        ("taught", 1, 7, 12),
    ]


def test_neurons_that_belong_to_no_class_have_no_own_class(tmp_path):
    line = 'expected `taps` "full" for this kind of study, whose neurons belong to no class, got "own_class"'
    with pytest.raises(UsageError, match=f"^{re.escape(line)}$"):
        record_study(parse(TOML), tmp_path / "runs", own_class=True)

    (tmp_path / "mine.toml").write_text(TOML)
    sweep = tmp_path / "sweep.toml"
    sweep.write_text("base = 'mine.toml'\nseeds = 1\n[record]\ntaps = 'own_class'\n")
    with pytest.raises(UsageError, match=f"^{re.escape(f'{sweep}: {line}')}$"):
        load_sweep(sweep)


def test_the_command_line_records_estimates_and_sweeps_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(TOML)
    (tmp_path / "sweep.toml").write_text("base = 'mine.toml'\nseeds = 2\n[grid]\ndata.spread = [1.0, 2.0]\n")
    for arguments in (
        ["record", "mine.toml", "--runs", "3", "--out", "runs/one"],
        ["record", "mine.toml", "--seeds", "2", "--set", "steps=3", "--out", "runs/seeds"],
        ["record", "sweep.toml", "--out", "runs/sweep"],
        ["estimate", "mine.toml"],
        ["list", "runs/one"],
        ["evaluate", "runs/one/RUN"],
        ["analyze", "runs/one"],
    ):
        run = next(Path("runs/one").glob("single-00*"), Path()).name
        result = CliRunner().invoke(main, [one.replace("RUN", run) for one in arguments])
        assert result.exit_code == 0, result.output

    assert len(open_logs(tmp_path / "runs" / "one")) == 4
    assert len(list((tmp_path / "runs").glob("seeds/*/single-*"))) == 4
    assert len(list((tmp_path / "runs").glob("sweep/*/single-*"))) == 8
