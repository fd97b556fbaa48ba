import json
import re
import shutil

import pytest
from click.testing import CliRunner

from probes.cli import main


@pytest.fixture(scope="module")
def other_root(tiny_root, tmp_path_factory):
    """The tiny study once more, under another name."""
    link = tmp_path_factory.mktemp("other") / "again"
    link.symlink_to(tiny_root)
    return link


@pytest.fixture(scope="module")
def copied_root(tiny_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copied") / "copy"
    folder.mkdir()
    for run in tiny_root.glob("single-*"):
        shutil.copytree(run, folder / run.name)
    return folder


def analyze(*words):
    return CliRunner().invoke(main, ["analyze", *map(str, words)])


def test_two_roots_are_set_side_by_side(tiny_root, copied_root, tmp_path):
    result = analyze(tiny_root, copied_root, "--out", tmp_path)
    page = (tmp_path / "report.html").read_text()

    assert result.exit_code == 0
    assert f"<h1>{tiny_root.name} beside copy</h1>" in page
    assert {"claims.svg", "errors.svg", "summary.csv", "recipes.csv"} < {path.name for path in tmp_path.iterdir()}
    assert "What the recipes differ in" in result.stdout


def test_tables_of_two_roots_name_the_setting_of_every_row(tiny_root, copied_root):
    tables = json.loads(analyze(tiny_root, copied_root, "--json").stdout)

    assert {row["setting"] for row in tables["claims"]} == {tiny_root.name, "copy"}
    assert tables["recipes"] == []


def test_one_root_twice_is_refused(tiny_root, other_root):
    result = analyze(tiny_root, other_root)

    assert result.exit_code == 2
    assert f"expected different folders, got {tiny_root} twice: name each study once" in result.stderr


@pytest.mark.parametrize("option", ["paper", "parquet"])
def test_files_need_a_folder(tiny_root, option):
    result = analyze(tiny_root, f"--{option}")

    assert result.exit_code == 2
    assert f"expected --out with --{option}, got none: name a folder for them" in result.stderr


@pytest.mark.slow
def test_papers_figures_and_parquet_are_written_where_asked_for(copied_root, tmp_path):
    result = analyze(copied_root, "--out", tmp_path, "--paper", "--parquet")

    assert result.exit_code == 0
    assert {"winners.parquet", "runs.parquet", "paper"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "paper" / "winners.png").exists()


LEARNERS = """
base = "tiny"
[set]
training.steps = 4
runs.single = 2
runs.distilled = 0
runs.self_distilled = 0
runs.average = 2
measuring.test_samples = 20
network.init_scale = 1.0
[[cases]]
network.kind = "tangent"
[[cases]]
network.kind = "random_features"
"""


@pytest.fixture(scope="module")
def learners(tmp_path_factory):
    """A sweep of two linear learners."""
    folder = tmp_path_factory.mktemp("learners")
    (folder / "mine.toml").write_text(LEARNERS)
    words = ["record", str(folder / "mine.toml"), "--out", str(folder / "runs")]
    assert CliRunner().invoke(main, words).exit_code == 0
    return folder / "runs"


def test_a_sweep_of_learners_is_printed_side_by_side(learners, tmp_path):
    result = analyze(learners, "--out", tmp_path)

    assert result.exit_code == 0
    _, table = result.stdout.split("Learners side by side: test errors in mu, and gains over single models\n")
    found = [tuple(line.split()[:2]) for line in table.splitlines()[1:]]
    assert found == [
        (kind, networks) for kind in ("tangent", "random_features") for networks in ("single", "ensemble", "average")
    ]
    assert {"contrast.csv", "contrast.png", "contrast.svg", "map.csv"} < {path.name for path in tmp_path.iterdir()}


def test_a_linear_learner_is_shown_by_its_errors(learners):
    result = analyze(next(learners.glob("*/single-*")).parent)

    assert result.exit_code == 0
    assert "What each role ends with" in result.stdout
    assert re.search(
        r"left out: .*winners\.predicted.*: expected networks that learn features, got `network.kind` ", result.stderr
    )
