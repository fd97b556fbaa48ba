import json

import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.cli.watching.live_runs import planned_runs
from probes.learners.recipe_files import built_in
from probes.log import open_logs
from probes.studies import plan

FEW = ("training.steps=4", "training.samples=200", "measuring.test_samples=100", "data.dim=8", "network.width=6")
SETTINGS = [word for each in FEW for word in ("--set", each)]


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gaussian") / "runs"
    assert probes("record", "gaussian-inputs", *SETTINGS, "--runs", 4, "--out", folder).stdout == f"{folder}\n"
    return folder


def test_its_runs_are_listed(root):
    rows = json.loads(probes("list", root, "--json").stdout)
    assert [row["role"] for row in rows] == ["average"] * 2 + ["single"] * 4
    assert {row["status"] for row in rows} == {"finished"}


def test_its_claims_are_those_of_figure_7(root):
    result = probes("claims", root, "--json")
    rows = json.loads(result.stdout)
    assert {row["claim"] for row in rows} == {"gaussian_inputs.error_gain", "gaussian_inputs.variance_ratio"}
    first = {row["claim"]: row["holds"] for row in reversed(rows)}
    assert result.exit_code == (0 if all(first.values()) else 3)


def test_its_tables_are_printed_and_its_report_written(root, tmp_path):
    result = probes("analyze", root, "--out", tmp_path)
    assert "Gaussian inputs: test error" in result.stdout
    assert "left out" not in result.stderr
    assert {"report.html", "inputs.png", "first_layer.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_a_run_is_measured_again(root):
    rows = json.loads(probes("evaluate", min(root.glob("single-*")), "--json").stdout)
    assert [row["measure"] for row in rows] == ["train_error", "test_error"]


def test_what_it_takes_is_estimated():
    found = json.loads(probes("estimate", "gaussian-inputs", *SETTINGS, "--json").stdout)
    assert [(row["phase"], row["runs"], row["steps"]) for row in found["phases"]] == [
        ("single", 10, 4),
        ("average", 2, 4),
    ]


def test_its_runs_to_come_are_those_of_its_plan(root):
    recipe = built_in("gaussian-inputs")
    assert planned_runs(open_logs(root)[0].manifest) == {"single": 4, "average": 2}
    assert [len(phase.runs) for phase in plan(recipe)] == [recipe.runs.single, recipe.runs.average]


def test_keys_of_the_other_kind_of_recipe_are_refused():
    result = probes("record", "gaussian-inputs", "--set", "noise.dim=3")
    expected = "probes: unknown key `noise`: expected name, seed, data, network, training, runs, measuring\n"
    assert (result.exit_code, result.stderr) == (2, expected)


def test_a_sweep_over_teachers_becomes_a_table_of_settings(tmp_path):
    settings = "\n".join(FEW)
    (tmp_path / "mine.toml").write_text(
        f'base = "gaussian-inputs"\n[set]\n{settings}\nruns.single = 4\n[grid]\ndata.teacher = ["linear", "residual"]\n'
    )
    assert probes("record", tmp_path / "mine.toml", "--out", tmp_path / "runs").exit_code == 0
    tables = json.loads(probes("analyze", tmp_path / "runs", "--json").stdout)
    assert [row["data.teacher"] for row in tables["settings"]] == ["linear", "residual"]
