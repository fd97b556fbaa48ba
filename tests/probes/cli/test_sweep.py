import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from probes.cli import main
from probes.log import open_logs

SWEEP = """
base = "tiny"
seeds = 2
[set]
training.steps = {steps}
runs.single = 2
runs.distilled = 0
runs.self_distilled = 0
runs.average = 0
measuring.test_samples = 20
[grid]
network.q = [3, 4]
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A small sweep, its folder, and what recording it said."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "mine.toml").write_text(SWEEP.format(steps=6))
    return folder / "runs", probes("record", folder / "mine.toml", "--out", folder / "runs")


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_sweep_is_announced_told_point_by_point_and_printed(recorded):
    root, result = recorded
    first, *points = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (0, f"{root}\n")
    assert first.startswith(f"{root}: 4 points, about ")
    assert [line.split()[0] for line in points] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert points[2].split()[2:4] == ["network.q=4", "seed=0:"]


def test_a_sweep_that_is_finished_is_left_as_it_is(recorded, tmp_path):
    root, _ = recorded
    result = probes("record", root.parent / "mine.toml", "--out", root)
    assert result.stderr.splitlines() == [f"{root}: 4 points, all finished before"]


def test_options_change_the_base(recorded, tmp_path):
    file = recorded[0].parent / "mine.toml"
    words = ("--set", "network.neurons=3", "--runs", 1, "--every", 2, "--out", tmp_path)
    assert probes("record", file, *words).exit_code == 0
    log = open_logs(tmp_path)[0]
    assert (len(open_logs(tmp_path)), log["correlations"].shape[2], log.steps.tolist()) == (4, 3, [0, 2, 4, 6])


def test_a_failed_point_is_told_and_ends_with_exit_code_1(recorded, tmp_path):
    file = recorded[0].parent / "mine.toml"
    point = next(path for path in recorded[0].iterdir() if path.is_dir()).name
    (tmp_path / "runs" / point / "foreign").mkdir(parents=True)
    (tmp_path / "runs" / point / "foreign" / "run.json").write_text(
        next(recorded[0].rglob("run.json")).read_text().replace("single-", "foreign-")
    )
    result = probes("record", file, "--out", tmp_path / "runs")
    table = tmp_path / "runs" / "sweep.csv"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        f"probes: expected every point to finish, got 1 of 4 that failed: {table} names each and its error; the same "
        "command tries them again",
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--seed", 3], "expected seeds in {file}, as `seeds = [3]`, got --seed"),
        (["--set", "q"], "expected --set KEY=VALUE, got 'q', for example --set network.neurons=8"),
        (["--executor", "dask"], "expected --executor dask:ADDRESS or module:factory, got `dask`"),
        (
            ["--executor", "a:b", "--workers", 2],
            "expected --workers or --executor, got both: a:b has workers of its own",
        ),
    ],
)
def test_options_that_do_not_fit_a_sweep_are_refused(recorded, tmp_path, words, line):
    file = recorded[0].parent / "mine.toml"
    result = probes("record", file, *words, "--out", tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"probes: {line.format(file=file)}\n")


@pytest.mark.parametrize("words", [["--workers", 2], ["--executor", "a:b"]])
def test_a_recipe_takes_no_executor(words):
    line = f"expected `{words[0]}` with a sweep, got it with a recipe, whose runs train side by side"
    result = probes("record", "tiny", *words)
    assert (result.exit_code, result.stderr) == (2, f"probes: {line}\n")


def test_analyze_makes_maps_of_a_sweep(recorded, tmp_path):
    result = probes("analyze", recorded[0], "--out", tmp_path, "--paper")
    assert result.exit_code == 0
    assert "What the points measured" in result.stdout
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    assert {"report.html", "test_error.svg", "test_error.csv", "race.png", "members.svg", "paper/race.svg"} < made


def test_tables_of_a_sweep_as_json(recorded):
    tables = json.loads(probes("analyze", recorded[0], "--json").stdout)
    assert [row["network.q"] for row in tables["map"]] == [3, 4]
    assert [row["status"] for row in tables["points"]] == ["finished"] * 4


def test_list_says_to_which_point_a_run_belongs(recorded):
    root, _ = recorded
    rows = json.loads(probes("list", root, "--json").stdout)
    known = [(row["point"], row["values"], row["seed"]) for row in rows]
    recipes = {log.path.parent.name: log.manifest.recipe for log in open_logs(root)}
    assert known == [(name, {"network.q": recipes[name]["network"]["q"]}, recipes[name]["seed"]) for name, *_ in known]
    assert len({name for name, *_ in known}) == 4


@pytest.mark.parametrize("below", [False, True])
def test_list_shows_the_values_of_a_point_also_from_its_own_folder(recorded, below):
    root = next(recorded[0].glob("*/")) if below else recorded[0]
    heading, *lines = probes("list", root).stdout.splitlines()
    assert heading.split()[:4] == ["point", "values", "seed", "run"]
    assert {line.split()[1] for line in lines} <= {"network.q=3", "network.q=4"}


def test_estimate_says_what_record_says_first(recorded, tmp_path):
    result = probes("estimate", recorded[0].parent / "mine.toml", "--out", tmp_path / "runs", "--workers", 2)
    assert (result.exit_code, result.stderr, list(tmp_path.iterdir())) == (0, "", [])
    number = r"about [.\d]+ .B and \d+ seconds?; [.\d]+ .B are free"
    assert re.fullmatch(f"{re.escape(str(tmp_path / 'runs'))}: 4 points, {number}\n", result.stdout)


def test_estimate_has_a_row_for_every_point_as_json(recorded, tmp_path):
    found = json.loads(probes("estimate", recorded[0].parent / "mine.toml", "--out", tmp_path, "--json").stdout)
    rows = found["points"]
    assert [(row["values"], row["seed"]) for row in rows] == [({"network.q": q}, s) for q in (3, 4) for s in (0, 1)]
    assert sum(row["bytes"] for row in rows) == found["bytes"] < found["peak_bytes"]
    assert not any(row["finished"] for row in rows)
    assert all(row["seconds"] > 0 for row in rows)


def test_estimate_leaves_out_what_is_finished(recorded):
    words = ("estimate", recorded[0].parent / "mine.toml", "--out", recorded[0])
    assert probes(*words).stdout == f"{recorded[0]}: 4 points, all finished before\n"
    found = json.loads(probes(*words, "--json").stdout)
    assert (found["bytes"], found["seconds"], {row["finished"] for row in found["points"]}) == (0, 0, {True})


def test_estimate_of_a_sweep_takes_its_options_only(recorded):
    file = recorded[0].parent / "mine.toml"
    seeded, alone = probes("estimate", file, "--seed", 3), probes("estimate", "tiny", "--workers", 2)
    line = "expected `--workers` with a sweep, got it with a recipe, whose runs train side by side"
    assert seeded.stderr == f"probes: expected seeds in {file}, as `seeds = [3]`, got --seed\n"
    assert (seeded.exit_code, alone.exit_code, alone.stderr) == (2, 2, f"probes: {line}\n")


@pytest.mark.slow
def test_a_sweep_of_workers_that_is_interrupted_goes_on_from_its_checkpoints(tmp_path):
    (tmp_path / "mine.toml").write_text(SWEEP.format(steps=1200))
    words = [
        sys.executable,
        "-m",
        "probes",
        "record",
        "mine.toml",
        "--out",
        "runs",
        "--workers",
        "2",
        "--checkpoint",
        "0.05",
    ]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as process:
        while not list(tmp_path.rglob("checkpoint-*")):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    kept = list(tmp_path.rglob("checkpoint-*"))
    assert kept
    assert not list(tmp_path.rglob("point.json"))
    result = probes("record", tmp_path / "mine.toml", "--out", tmp_path / "runs")
    assert (result.exit_code, len(list(tmp_path.rglob("point.json")))) == (0, 4)
    assert not list(tmp_path.rglob("checkpoint-*"))
    assert any(kept > 0 for log in open_logs(tmp_path / "runs") for kept in log.manifest.attempts)
