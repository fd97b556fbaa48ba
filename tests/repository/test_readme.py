import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from probes import open_study
from probes.cli import main
from tests.repository.sources import ROOT

NAMES = ("README.md", "docs/analysis.md", "docs/quantities.md", "docs/recording.md", "docs/theory.md")
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
README = PAGES["README.md"]
LINKS = [(page, target) for page, text in PAGES.items() for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", text)]


def run(page, blocks=1):
    """The names that the first examples of a page leave, run as a reader would paste them."""
    names: dict[str, object] = {}
    exec("".join(re.findall(r"```python\n(.*?)```", PAGES[page], flags=re.DOTALL)[:blocks]), names)
    return names


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The runs that the README's example records."""
    root, before = tmp_path_factory.mktemp("readme"), Path.cwd()
    os.chdir(root)
    try:
        run("README.md")
    finally:
        os.chdir(before)
    return root / "runs"


def test_the_example_records_three_runs(root):
    study = open_study(root)

    assert [log.label for log in study.members] == ["seed-0", "seed-1", "seed-2"]
    assert all(log.steps.tolist() == list(range(501)) for log in study.members)
    assert study.members[0]["0.weight"].dims == ("step", "neuron", "frequency", "phase")


def test_the_example_is_found_out_about_as_the_page_says(root):
    study = open_study(root)

    assert study.learned()["learned"].mean() == pytest.approx(0.78, abs=0.15)
    assert study.ensembles()["error"].iloc[-1] < study.ensembles()["error"].iloc[0] / 2
    assert study.specialisation()["specialised"].mean() > 0.9


def test_the_page_shows_what_analyze_prints(root):
    def heads(text):
        return [line.split() for line in text.splitlines() if line and not re.search(r"\d\.\d|^member|^ ", line)]

    printed = CliRunner().invoke(main, ["analyze", str(root)])
    shown = re.findall(r"```\n(What runs end with.*?)```", README, flags=re.DOTALL)[0]

    assert printed.exit_code == 0, printed.output
    assert heads(shown) == heads(printed.stdout)


def test_the_example_of_recording_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = run("docs/recording.md")["log"]

    assert log.steps.tolist() == list(range(31))
    assert log["0.weight.largest"].dims == ("step", "rank", "feature_class", "view")
    assert log.directions("2.weight").dims == ("feature", "dim")
    assert {"0.weight.cosine", "0.weight.gradient", "2.weight.norm", "2.weight.distance"} <= log.series.keys()


def test_the_example_of_analysis_runs_as_it_stands(root, monkeypatch):
    monkeypatch.chdir(root.parent)

    names = run("docs/analysis.md", blocks=2)

    assert names["wide"].shape == (3, 18)
    assert names["lean"](root)["run"].tolist() == ["seed-0", "seed-1", "seed-2"]


def test_it_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_what_is_linked_to_is_there(page, target):
    assert ((ROOT / page).parent / target).exists()
