import os

import pytest

from probes.errors import LogError
from probes.log import Manifest, open_logs
from probes.log.discovery import find_runs
from probes.log.manifest import write_manifest


def run(folder):
    folder.mkdir(parents=True)
    write_manifest(folder, Manifest(folder.name, ()))
    return folder


def left_out(root):
    return {path.name: reason for path, reason in find_runs(root)[1].items()}


def test_a_damaged_run_hides_no_other(tmp_path):
    run(tmp_path / "whole")
    (run(tmp_path / "damaged") / "run.json").write_text("")
    logs = open_logs(tmp_path)

    assert [log.label for log in logs] == ["whole"]
    assert list(logs.left_out) == ["damaged"]
    assert logs.left_out["damaged"].startswith(f"refused `{tmp_path}/damaged/run.json`: expected a run's description")
    assert repr(logs) == f"Logs({tmp_path}: 1 runs, 1 left out)"


def test_where_no_run_can_be_opened_the_first_reason_is_the_error(tmp_path):
    for name in "ab":
        (run(tmp_path / name) / "run.json").write_text("")

    with pytest.raises(LogError, match=r"^refused `.*/[ab]/run.json`: .* \(and 1 more\)$"):
        open_logs(tmp_path)


@pytest.mark.parametrize("file", ["log.h5", "seg-000000.h5", "seg-000003.wal"])
def test_rows_without_their_description_are_named(file, tmp_path):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / file).touch()

    reason = f"`{tmp_path}/half`: expected a run.json beside its rows, got none; copy the run anew"
    assert left_out(tmp_path) == {"half": reason}


def test_a_link_to_a_run_or_to_a_folder_of_runs_is_named(tmp_path):
    run(tmp_path / "elsewhere/seed-0")
    run(tmp_path / "root/seed-1")
    for name, target in {"run": "elsewhere/seed-0", "study": "elsewhere", "gone": "nowhere", "self": "root"}.items():
        (tmp_path / "root" / name).symlink_to(tmp_path / target)

    assert sorted(left_out(tmp_path / "root")) == ["run", "study"]
    link, target = tmp_path / "root/run", tmp_path / "elsewhere/seed-0"
    assert left_out(tmp_path / "root")["run"] == (
        f"`{link}` is a link to `{target}`, and links are not followed; name that folder, or copy the runs here"
    )


def test_a_link_to_a_run_that_is_there_anyway_is_nothing_to_report(tmp_path):
    run(tmp_path / "seed-0")
    (tmp_path / "latest").symlink_to(tmp_path / "seed-0")

    assert left_out(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    run(tmp_path / "closed").chmod(0)
    reasons = left_out(tmp_path)
    (tmp_path / "closed").chmod(0o700)

    advice = "give yourself the right to read it, or copy the run anew"
    assert reasons == {"closed": f"`{tmp_path}/closed` cannot be read: Permission denied; {advice}"}


def test_files_that_are_links_come_with_advice(tmp_path):
    (tmp_path / "blob").write_bytes((run(tmp_path / "snapshot/seed-0") / "run.json").read_bytes())
    (tmp_path / "snapshot/seed-0/run.json").unlink()
    (tmp_path / "snapshot/seed-0/run.json").symlink_to(tmp_path / "blob")

    with pytest.raises(LogError, match=r"got a link; copy the run with `cp -rL`, which takes what links lead to$"):
        open_logs(tmp_path / "snapshot")
