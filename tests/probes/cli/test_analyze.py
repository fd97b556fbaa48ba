import json
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


def test_papers_figures_and_parquet_are_written_where_asked_for(copied_root, tmp_path):
    result = analyze(copied_root, "--out", tmp_path, "--paper", "--parquet")

    assert result.exit_code == 0
    assert {"winners.parquet", "runs.parquet", "paper"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "paper" / "winners.png").exists()
