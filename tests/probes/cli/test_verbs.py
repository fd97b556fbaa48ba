import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.log import open_logs
from probes.studies.recipe_files import built_in, names, parse

FEW = [
    "--set",
    "runs.distilled=0",
    "--set",
    "runs.self_distilled=0",
    "--set",
    "runs.average=0",
    "--set",
    "training.steps=5",
]


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_record_prints_the_folder_and_tells_how_it_went_on_stderr(tmp_path):
    result = probes("record", "tiny", *FEW, "--out", tmp_path / "runs")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'runs'}\n")
    assert [line.split()[:3] for line in result.stderr.splitlines()[-1:]] == [["single", "x", "3"]]
    assert len(open_logs(tmp_path / "runs")) == 3


def test_record_says_what_was_finished_before(tmp_path):
    probes("record", "tiny", *FEW, "--out", tmp_path / "runs")
    assert "3 finished before" in probes("record", "tiny", *FEW, "--out", tmp_path / "runs").stderr


def test_record_takes_numbers_of_runs_seeds_and_files(tmp_path):
    (tmp_path / "mine.toml").write_text(probes("recipes", "show", "tiny").stdout.replace('"tiny"', '"mine"'))
    result = probes("record", tmp_path / "mine.toml", *FEW, "--runs", 2, "--seed", 3, "--out", tmp_path / "runs")
    logs = open_logs(tmp_path / "runs")
    assert result.exit_code == 0
    assert [log.manifest.seeds["study"] for log in logs] == [3, 3]
    assert len({log.manifest.seeds["init-00"] for log in logs}) == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["theorie"],
            f"unknown recipe `theorie`: expected {', '.join(names())} (nearest: theory, theory-strict), or a TOML file",
        ),
        (
            ["tiny", "--set", "network.neuron=3"],
            "unknown key `network.neuron`: expected neurons, q, threshold, init_scale, kind (nearest: neurons)",
        ),
        (
            ["tiny", "--set", "network.neurons"],
            "expected --set KEY=VALUE, got 'network.neurons', for example --set network.neurons=8",
        ),
        (
            ["tiny", "--set", "data.patches=3"],
            "expected `patches` >= 10 (own views and 3.3 features of other classes on "
            "average), got 3: raise patches or lower sparsity",
        ),
    ],
)
def test_record_refuses_what_it_does_not_know_in_one_line(words, line, tmp_path):
    result = probes("record", *words, "--out", tmp_path / "runs")
    assert (result.exit_code, result.stderr) == (2, f"probes: {line}\n")


def test_record_refuses_a_folder_of_other_runs(tmp_path):
    probes("record", "tiny", *FEW, "--out", tmp_path)
    result = probes("record", "tiny", *FEW, "--seed", 1, "--out", tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "--force" in result.stderr


def test_ctrl_c_keeps_every_step_and_exits_130(tmp_path):
    words = ["record", "tiny", "--set", "training.steps=100000", "--out", str(tmp_path / "runs")]
    with subprocess.Popen(
        [sys.executable, "-m", "probes", *words], stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "runs").glob("*/seg-*.wal")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    logs = open_logs(tmp_path / "runs")
    assert (process.returncode, err.count(b"Traceback")) == (130, 0)
    assert {log.status for log in logs} == {"interrupted"}
    assert {log.steps.tolist() == list(range(len(log.steps))) for log in logs} == {True}
    assert len({len(log.steps) for log in logs}) <= 2


def test_recipes_lists_them_and_shows_one_that_can_be_read_back():
    assert [line.split()[0] for line in probes("recipes").stdout.splitlines()[1:]] == names()
    assert parse(probes("recipes", "show", "theory").stdout) == built_in("theory")
    assert [recipe["name"] for recipe in json.loads(probes("recipes", "--json").stdout)] == names()


def test_list_has_a_row_for_every_run(tiny_root):
    rows = json.loads(probes("list", tiny_root, "--json").stdout)
    assert [row["run"] for row in rows] == [log.manifest.run_id for log in open_logs(tiny_root)]
    assert {(row["status"], row["rows"] - row["steps"]) for row in rows} == {("finished", 1)}
    assert len(probes("list", tiny_root).stdout.splitlines()) == len(rows) + 1


def test_claims_are_rows_with_the_promised_keys_and_the_exit_code_tells_whether_one_fails(tiny_root):
    result = probes("claims", tiny_root, "--json")
    rows = json.loads(result.stdout)
    keys = {"claim", "variant", "source", "expected_low", "expected_high", "measured", "low", "high", "n", "verdict"}
    assert all(keys <= row.keys() for row in rows)
    stood_by = {row["claim"]: row["verdict"] for row in reversed(rows)}
    assert result.exit_code == (3 if "fails" in stood_by.values() else 0)
    still = [row["verdict"] for row in rows].count("open")
    assert result.stderr == (
        f"{still} of {len(rows)} claims are open: their intervals straddle an edge of what is expected\n"
    )
    assert {row["variant"] for row in rows if row["claim"] == "distilled.features_learned"} == {"stopped", "literal"}


def test_analyze_writes_a_report_and_prints_the_tables(tiny_root, tmp_path):
    result = probes("analyze", tiny_root, "--out", tmp_path / "report")
    assert result.exit_code == 0
    assert (tmp_path / "report" / "report.html").read_text().startswith("<!doctype html>")
    shown = [path for path in (tmp_path / "report").iterdir() if not path.name.startswith(".")]
    assert {path.suffix for path in shown} == {".html", ".csv", ".png", ".svg"}
    tables = json.loads(probes("analyze", tiny_root, "--json").stdout)
    assert {"claims", "summary", "winners", "coverage", "growth"} <= tables.keys()


def test_evaluate_prints_the_errors_of_a_run(tiny_root):
    run = open_logs(tiny_root)[0].path
    rows = json.loads(probes("evaluate", run, "--json").stdout)
    assert {row["measure"] for row in rows} == {"train_error", "single_view_error", "multi_view_error", "test_error_mu"}


@pytest.mark.parametrize("verb", ["list", "analyze", "claims", "evaluate"])
def test_a_folder_without_runs_is_one_line(verb, tmp_path):
    result = probes(verb, tmp_path)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert str(tmp_path) in result.stderr


def test_a_study_is_recorded_thinner_where_that_is_asked_for(tmp_path):
    options = [*FEW, "--set", "training.steps=7", "--every", "3"]
    result = probes("record", "tiny", *options, "--runs", "1", "--out", tmp_path / "runs")

    assert result.exit_code == 0, result.stderr
    assert " ".join(result.stderr.split()).startswith(f"{tmp_path / 'runs'}: about ")
    assert {tuple(log.steps.tolist()) for log in open_logs(tmp_path / "runs")} == {(0, 3, 6, 7)}
