import re

import pytest

from tests.repository.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {"README.md": README, "docs/recording.md": (ROOT / "docs/recording.md").read_text(encoding="utf-8")}
LINKS = [(page, target) for page, text in PAGES.items() for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", text)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the first example of a page, as a reader would paste it, and gives its names."""
    monkeypatch.chdir(tmp_path)

    def run(page):
        names: dict[str, object] = {}
        exec(re.findall(r"```python\n(.*?)```", PAGES[page], flags=re.DOTALL)[0], names)
        return names

    return run


def test_the_example_runs_as_it_stands(run):
    log = run("README.md")["log"]

    assert log.steps.tolist() == list(range(101))
    assert log["0.weight"].dims == ("step", "neuron", "feature_class", "view")


def test_the_example_of_recording_runs_as_it_stands(run):
    log = run("docs/recording.md")["log"]

    assert log.steps.tolist() == list(range(31))
    assert log["0.weight.largest"].dims == ("step", "rank", "feature_class", "view")
    assert log.directions("2.weight").dims == ("feature", "dim")
    assert {"0.weight.cosine", "0.weight.gradient", "2.weight.norm", "2.weight.distance"} <= log.series.keys()


def test_it_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_what_is_linked_to_is_there(page, target):
    assert ((ROOT / page).parent / target).exists()
