import json

import pytest

from scripts.example_notebook import CELLS, cells, notebook
from tests.repository.sources import ROOT

KEPT = ROOT / "docs" / "example.ipynb"


@pytest.fixture(scope="module")
def made(tiny_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "runs").mkdir()
    (folder / "runs" / "tiny").symlink_to(tiny_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return notebook(CELLS.read_text("utf-8"))


def kinds(found):
    return [sorted(kind for one in cell.get("outputs", ()) for kind in one["data"]) for cell in found["cells"]]


def test_every_cell_runs_and_all_code_but_assignments_shows_something(made):
    assert all(cell["outputs"] for cell in made["cells"] if cell["cell_type"] == "code")


def test_the_kept_notebook_has_the_cells_as_they_are_and_shows_what_they_show(made):
    kept = json.loads(KEPT.read_text("utf-8"))

    assert [(cell["cell_type"], cell["source"]) for cell in kept["cells"]] == list(cells(CELLS.read_text("utf-8")))
    assert kinds(kept) == kinds(made)


def test_the_kept_notebook_is_small():
    assert KEPT.stat().st_size < 1_500_000
