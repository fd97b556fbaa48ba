import errno
import re

import pytest

from probes.errors import RunError
from probes.log.exports.fresh_file import fresh


def test_a_file_appears_when_all_is_written(tmp_path):
    with fresh(tmp_path / "a") as target:
        target.write_text("new")
        assert [path.name for path in tmp_path.iterdir()] == [target.name]

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "new")]


@pytest.mark.parametrize("place", ["file", "link"])
def test_what_is_there_stays_unless_it_may_be_overwritten(tmp_path, place):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("nowhere")
    line = f"expected nothing at `{tmp_path / place}`, got a file; name another, or overwrite it (--force)"
    with pytest.raises(RunError, match=f"^{re.escape(line)}$"), fresh(tmp_path / place):
        pass
    with fresh(tmp_path / place, overwrite=True) as target:
        target.write_text("new")

    assert (tmp_path / place).read_text() == "new"


def unfinished(path, error):
    with fresh(path, overwrite=True) as target:
        target.write_text("new")
        raise error


@pytest.mark.parametrize("error", [ValueError("a fault of our own"), KeyboardInterrupt("ctrl-c")], ids=repr)
def test_nothing_stays_of_a_file_that_was_not_finished(tmp_path, error):
    (tmp_path / "a").write_text("old")
    with pytest.raises(type(error), match=str(error)):
        unfinished(tmp_path / "a", error)

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_full_disk_is_one_line(tmp_path):
    line = f"expected to write `{tmp_path / 'a'}`, got No space left on device; free space there, or name another place"
    with pytest.raises(RunError, match=f"^{re.escape(line)}$"):
        unfinished(tmp_path / "a", OSError(errno.ENOSPC, "No space left on device"))

    assert list(tmp_path.iterdir()) == []
