import json
import shutil

import pytest
from click.testing import CliRunner

from probes.cli import main


def probes(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(params=["run.json", "log.h5", "directions.h5", "evaluation.h5"])
def damaged(tiny_root, tmp_path, request):
    """A study one of whose runs has a file cut short, and that run's name."""
    root = tmp_path / "study"
    shutil.copytree(tiny_root, root)
    [run] = root.glob("single-00-*")
    (run / request.param).write_bytes((run / request.param).read_bytes()[:100])
    return root, run.name


@pytest.mark.parametrize("verb", ["claims", "analyze"])
def test_the_other_runs_are_shown_and_this_one_is_named(damaged, verb):
    root, name = damaged
    result = probes(verb, root)

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) > 5
    [line] = [line for line in result.stderr.splitlines() if line.startswith(f"probes: {name}: ")]
    assert f"{root}/{name}" in line


def test_the_list_has_the_other_runs_and_names_this_one(damaged):
    root, name = damaged
    result = probes("list", root, "--json")
    rows = {row["run"]: row for row in json.loads(result.stdout)}

    others = {path.name for path in root.iterdir()} - {name}
    assert others <= set(rows)
    assert all(rows[other]["rows"] > 0 for other in others)
    assert (result.exit_code, name in result.stderr) in {(1, True), (0, False)}
    assert result.exit_code == 1 or rows[name]["rows"] > 0  # no file that a list reads is damaged


def test_rows_that_cannot_be_read_are_named_beside_what_is_shown(tiny_root, tmp_path):
    shutil.copytree(tiny_root, tmp_path / "study")
    [log] = (tmp_path / "study").glob("single-00-*/log.h5")
    content = bytearray(log.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(value ^ 0x5A for value in content[middle : middle + 3000])
    log.write_bytes(content)
    result = probes("claims", tmp_path / "study")

    assert result.exit_code == 1
    assert f"probes: {log.parent.name}: `{log}`: damaged; NaN stands for some of `correlations`" in result.stderr


def test_verify_checks_the_others_where_one_may_not_be_read(tiny_root, tmp_path, monkeypatch):
    from probes.log.verification import audit

    shutil.copytree(tiny_root, tmp_path / "study")
    names = audit._names

    def refused(run):
        if run.name.startswith("single-00"):
            raise PermissionError(13, "Permission denied", str(run))
        return names(run)

    monkeypatch.setattr(audit, "_names", refused)
    [run] = (tmp_path / "study").glob("single-00-*")
    [other] = (tmp_path / "study").glob("single-01-*")

    advice = "give yourself the right to read it, or copy the run anew"
    assert audit.audited(run, None) == [("fault", f"`{run}` cannot be read: Permission denied; {advice}")]
    assert audit.audited(other, None) == []
