import re

import pytest

from tests.repository.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)  # what a reader would paste
    assert names["log"].steps.tolist() == list(range(101))
    assert names["log"]["0.weight"].dims == ("step", "neuron", "feature_class", "view")


def test_it_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!https?:)[^)]+)\)", README))))
def test_what_it_links_to_is_there(target):
    assert (ROOT / target).exists()
