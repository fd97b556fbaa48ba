from dataclasses import replace

import numpy as np
import pytest
from tests.probes.log.runs import SHAPE, STEPS, arrays, manifest

from probes.log.journal import journal_head, read_journal
from probes.log.rows import ENTRY
from probes.log.writing.journal_writer import Journal

NONE_LOGGED = np.empty(0, ENTRY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "seg-000002.wal"


def test_many_arrays_are_one_frame(path):
    arrays = [np.full((1, *SHAPE), number, "f4") for number in range(1500)]
    series = tuple(replace(manifest().series[0], name=f"layer {number}") for number in range(1500))
    many = replace(manifest(), series=series)
    Journal(path, journal_head(many, 2)).append(STEPS[:1], arrays, [], NONE_LOGGED)
    read = read_journal(path, many, 2)

    assert [read.arrays[one.name][:][0, 0, 0, 0, 0] for one in series] == [*range(1500)]


def test_a_journal_that_could_not_be_closed_is_removed_all_the_same(path, monkeypatch):
    def close(number):
        raise OSError(5, "Input/output error")

    journal = Journal(path, journal_head(manifest(), 2))
    journal.append(STEPS[:1], [values[:1] for values in arrays().values()], [], NONE_LOGGED)
    monkeypatch.setattr("os.close", close)
    with pytest.raises(OSError, match="Input/output error"):
        journal.remove()
    monkeypatch.undo()
    journal.remove()

    assert not path.exists()
