import csv
import re

import pytest

from probes.studies.recipe_files import load
from probes.studies.sweep_files import is_sweep_file, load_sweep
from tests.repository.sources import ROOT

PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
FOLDER = ROOT / "docs" / "gallery"
SWEEPS = sorted(path for path in FOLDER.glob("*.toml") if is_sweep_file(path))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_sweep_of_the_gallery_loads_and_varies_what_its_numbers_have(path):
    keys = set(load_sweep(path).keys)
    for table in FOLDER.glob(f"{path.stem}-*.csv"):
        with table.open(encoding="utf-8") as stream:
            varied = {
                name
                for name in next(csv.reader(stream))
                if "." in name and not name.startswith(("single.", "ensemble."))
            }
        assert varied <= keys, table.name


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_sweep_of_the_gallery_has_its_command_and_its_figure_on_the_page(path):
    assert f"probes record docs/gallery/{path.stem}.toml --out runs/{path.stem}" in PAGE
    assert f"](images/gallery/{path.stem}-" in PAGE


def test_the_base_is_a_recipe():
    assert load(FOLDER / "base.toml").data.classes == 8


@pytest.mark.parametrize("target", re.findall(r"\]\(((?!https?:)[^)#]+)\)", PAGE))
def test_what_the_page_links_to_is_there(target):
    assert (ROOT / "docs" / target).exists()
