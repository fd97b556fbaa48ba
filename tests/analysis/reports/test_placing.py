import subprocess
import sys
from pathlib import Path

import pytest

from probes.analysis.reports.placing import LISTING, replacing
from probes.errors import RunError


def put(folder, *names):
    with replacing(folder) as target:
        for name in names:
            (target / name).parent.mkdir(exist_ok=True)
            (target / name).write_text(name)


def fill_the_disk(folder):
    with replacing(folder) as target:
        (target / "report.html").write_text("half")
        raise OSError(28, "No space left on device")


def files(folder):
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != LISTING
    }


def test_files_of_an_earlier_report_are_gone(tmp_path):
    put(tmp_path / "report", "report.html", "old.csv", "paper/old.svg")
    put(tmp_path / "report", "report.html", "new.csv")

    assert files(tmp_path / "report") == {"report.html", "new.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert not (tmp_path / "report/paper").exists()


def test_files_that_are_no_report_s_stay(tmp_path):
    put(tmp_path / "report", "report.html", "old.csv", "paper/old.svg")
    (tmp_path / "report/notes.txt").write_text("mine")
    (tmp_path / "report/paper/mine.svg").write_text("mine")
    put(tmp_path / "report", "report.html", "paper/new.svg")

    assert files(tmp_path / "report") == {"report.html", "notes.txt", "paper/mine.svg", "paper/new.svg"}
    assert (tmp_path / "report/report.html").read_text() == "report.html"


def test_an_earlier_report_stays_whole_where_building_fails(tmp_path):
    put(tmp_path / "report", "report.html", "old.csv")
    with pytest.raises(RunError, match="got No space left on device; free space there"):
        fill_the_disk(tmp_path / "report")

    assert files(tmp_path) == {"report/report.html", "report/old.csv"}
    assert (tmp_path / "report/report.html").read_text() == "report.html"


def test_any_other_error_leaves_nothing_beside(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "report"):
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


def test_links_in_the_folder_lead_no_write_elsewhere(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine.svg").write_text("mine")
    (tmp_path / "report").mkdir()
    (tmp_path / "report/mine.svg").symlink_to(tmp_path / "elsewhere/mine.svg")
    (tmp_path / "report/paper").symlink_to(tmp_path / "elsewhere")
    put(tmp_path / "report", "mine.svg", "paper/mine.svg")

    assert (tmp_path / "elsewhere/mine.svg").read_text() == "mine"
    assert files(tmp_path / "report") == {"mine.svg", "paper/mine.svg"}


@pytest.mark.parametrize("listing", ['["../mine.txt", "/etc/mine", "a/b.csv", 3]', "{}", "no JSON", "[[]]", "3"])
def test_a_planted_listing_takes_nothing_away(listing, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "report/a").mkdir(parents=True)
    (tmp_path / "report/a/b.csv").write_text("mine")
    (tmp_path / "report" / LISTING).write_text(listing)
    put(tmp_path / "report", "report.html")

    assert files(tmp_path) == {"mine.txt", "report/a/b.csv", "report/report.html"}


def test_a_report_in_the_working_directory_leaves_that_where_it_is(tmp_path, monkeypatch):
    put(tmp_path / "report", "old.csv")
    monkeypatch.chdir(tmp_path / "report")
    put(tmp_path / "report", "new.csv")

    assert Path.cwd().samefile(tmp_path / "report")
    assert files(tmp_path / "report") == {"new.csv"}


def test_a_linked_folder_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(tmp_path / "link", "report.html")

    assert (tmp_path / "link").is_symlink()
    assert files(tmp_path / "real") == {"report.html"}


def test_what_is_no_folder_is_said_in_a_line(tmp_path):
    (tmp_path / "report").write_text("mine")

    with pytest.raises(RunError, match=r"^expected to write `.*report`, got Not a directory; free"):
        put(tmp_path / "report", "report.html")
    assert (tmp_path / "report").read_text() == "mine"


def test_a_process_killed_while_it_builds_leaves_the_earlier_report(tmp_path):
    put(tmp_path / "report", "report.html", "old.csv")
    killed = (
        "import os, sys; from pathlib import Path; from probes.analysis.reports.placing import replacing\n"
        "with replacing(Path(sys.argv[1])) as target:\n"
        "    (target / 'report.html').write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path / "report")], check=False)

    assert files(tmp_path / "report") == {"report.html", "old.csv"}
    assert (tmp_path / "report/report.html").read_text() == "report.html"
