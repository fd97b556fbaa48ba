from pathlib import Path

import pytest

from probes.errors import UsageError
from probes.launch.parent_runs import parent_ids
from probes.log.manifest import Manifest, write_manifest


@pytest.fixture(autouse=True)
def _runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for run in ("runs/seed-0", "runs/deep/er/seed-1", "elsewhere/seed-2"):
        Path(run).mkdir(parents=True)
        write_manifest(run, Manifest(Path(run).name, ()))


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ([], ()),
        (["runs/seed-0"], ("seed-0",)),
        (["elsewhere/seed-2/", "seed-0"], ("seed-2", "seed-0")),
        (["seed-1", "runs/deep/er/seed-1"], ("seed-1",)),
    ],
)
def test_paths_and_ids_are_ids_each_once(typed, ids):
    assert parent_ids(typed, Path("runs")) == ids


@pytest.mark.parametrize("typed", ["seed-2", "runs/seed-9", "", "*"])
def test_what_is_no_run_is_refused(typed):
    text = f"expected for --parent the path of a run, or the id of one below runs, got `{typed}`"
    if not typed:
        text = "expected for --parent a recorded run, got `.`, where no run.json can be read"
    with pytest.raises(UsageError) as caught:
        parent_ids([typed], Path("runs"))

    assert str(caught.value) == text


@pytest.mark.parametrize("content", ["", "[]", "{}", "{"])
def test_a_damaged_run_is_refused(content):
    Path("runs/seed-0/run.json").write_text(content)
    text = r"^expected for --parent a recorded run, got `runs/seed-0`, where no run.json can be read$"
    with pytest.raises(UsageError, match=text):
        parent_ids(["runs/seed-0"], Path("runs"))
