import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from tests.probes.log.runs import STEPS, arrays, journalled, manifest

from probes.errors import LogError
from probes.log.journal import journal_head, read_journal
from probes.log.rows import ENTRY, Gap
from probes.log.writing.journal_writer import Journal

FRAMES = (slice(0, 4), slice(4, 5), slice(5, 20), slice(20, 22))
ENTRIES = np.array([(3, 0, 0.5), (3, 1, np.nan), (4, 0, -np.inf)], ENTRY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "seg-000002.wal"


@pytest.fixture
def ends(path):
    """A journal of four frames with scalars in the second: where the head and each frame end."""
    journal = Journal(path, journal_head(manifest(), 2))
    ends = [len(journal_head(manifest(), 2))]
    for number, rows in enumerate(FRAMES):
        names, entries = (["train/loss", "error"], ENTRIES) if number == 1 else ([], ENTRIES[:0])
        journal.append(STEPS[rows], [values[rows] for values in arrays().values()], names, entries)
        ends.append(journal.end)
    return ends


def whole_rows(ends, size):
    """How many rows a journal of so many bytes has, by hand."""
    return sum(rows.stop - rows.start for rows, end in zip(FRAMES, ends[1:], strict=True) if end <= size)


def check(path, rows):
    """The journal holds the first so many rows, and nothing else."""
    read = read_journal(path, manifest(), 2)
    np.testing.assert_array_equal(read.steps, STEPS[:rows])
    for name, values in arrays().items():
        np.testing.assert_array_equal(read.arrays[name][:], values[:rows])
    return read


def test_a_journal_gives_back_what_was_appended(path, ends):
    read = check(path, 22)

    assert (read.faults, read.gaps) == ([], [])
    assert [column.tolist() for column in read.scalars["train/loss"]] == [[3, 4], [0.5, -np.inf]]
    np.testing.assert_array_equal(read.scalars["error"][1], [np.nan])


def test_a_frame_costs_its_rows_and_a_few_bytes(path, ends):
    row = 8 + 4 * 24 + 8 * 5 + 8

    assert ends == [64, 88 + 4 * row, 88 + 24 + 5 * row + 16 + 3 * 20, *np.add(ends[2], [24 + 15 * row, 48 + 17 * row])]
    assert path.stat().st_size == ends[-1]


def test_a_torn_tail_costs_only_the_torn_frame(path, ends):
    data = path.read_bytes()
    for size in {*range(0, len(data), 19), *ends, *np.subtract(ends, 1), *np.add(ends[:-1], 1)}:
        path.write_bytes(data[:size])
        lost = size - max([0, *(end for end in ends if end <= size)])
        start = size - lost

        expected = f"`{path}`: the last {lost} bytes, from byte {start} on, are no whole frame and were left out"
        assert check(path, whole_rows(ends, size)).faults == ([expected] if lost else [])


@pytest.mark.parametrize("flips", [500, pytest.param(4000, marks=pytest.mark.slow)])
def test_a_flipped_bit_ends_the_journal_before_its_frame(path, ends, flips):
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(len(data), size=flips):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        rows = whole_rows(ends, place) if place >= ends[0] else 0

        assert len(check(path, rows).faults) == 1


def test_garbage_after_the_last_frame_is_left_out(path, ends):
    path.write_bytes(path.read_bytes() + bytes(1000))

    assert check(path, 22).faults == [
        f"`{path}`: the last 1000 bytes, from byte {ends[-1]} on, are no whole frame and were left out"
    ]


def test_a_frame_counts_only_in_its_own_file(path, ends):
    frame = path.read_bytes()[ends[0] : ends[1]]
    path.write_bytes(journal_head(replace(manifest(), created="later"), 2) + frame)

    assert len(read_journal(path, replace(manifest(), created="later"), 2).steps) == 0


@pytest.mark.parametrize(
    ("other", "index"),
    [
        (manifest("seed-1"), 2),
        (replace(manifest(), created="later"), 2),
        (replace(manifest(), series=()), 2),
        (manifest(), 3),
    ],
    ids=["run", "time", "series", "number"],
)
def test_the_journal_of_another_is_refused(path, ends, other, index):
    with pytest.raises(LogError) as error:
        read_journal(path, other, index)

    reason = f"expected journal {index} of run `{other.run_id}`, got that of another"
    assert str(error.value) == f"refused `{path}`: {reason}; move it away, or copy the run anew"


def test_a_journal_of_a_newer_format_is_refused(path):
    head = bytearray(journal_head(manifest(), 2)[:-4])
    head[8:10] = struct.pack("<H", 3)
    path.write_bytes(head + struct.pack("<I", zlib.crc32(head)))
    with pytest.raises(LogError, match=r"expected format 1 to 2, got 3; read it with a newer feature-probes$"):
        read_journal(path, manifest(), 2)


def test_a_declared_size_beyond_the_file_is_a_torn_tail(path):
    head = journal_head(manifest(), 2)
    frame = struct.pack("<4s3I", b"rows", 2**32 - 1, 2**32 - 1, 2**32 - 1)
    path.write_bytes(head + frame + struct.pack("<I", zlib.crc32(frame, struct.unpack("<I", head[-4:])[0])))

    assert "the last 20 bytes" in read_journal(path, manifest(), 2).faults[0]


def test_a_gap_stands_in_the_head(path):
    Journal(path, journal_head(manifest(), 2, Gap(5, 9, 5))).append(
        STEPS[:0], [values[:0] for values in arrays().values()], [], ENTRIES[:0]
    )

    assert read_journal(path, manifest(), 2).gaps == [Gap(5, 9, 5)]


def test_a_later_attempt_is_read_too(path):
    path.write_bytes(journal_head(manifest(), 2, attempt=7))

    assert read_journal(path, manifest(), 2).faults == []


def test_a_stopped_run_tells_what_was_torn(tmp_path):
    log = journalled(tmp_path / "seed-0")
    log.writer._lock._file.close()
    journal = log.path / "seg-000000.wal"
    journal.write_bytes(journal.read_bytes()[:-1])

    assert log.status == "recording"
    log.path.joinpath("LOCK").write_text("")
    assert log.refresh().status == "stopped"
    assert len(log.faults) == 1
    assert len(log.steps) < 50


def test_rows_missing_between_journals_are_named(tmp_path):
    log = journalled(tmp_path / "seed-0")
    head = journal_head(log.manifest, 1, after=200)
    Journal(log.path / "seg-000001.wal", head).append(
        np.array([300]), [values[:1] for values in arrays().values()], [], ENTRIES[:0]
    )

    log.writer._lock.release()

    assert log.refresh().faults == (f"`{log.path}`: rows after step 125 up to step 200 are missing",)
    assert log.steps[-1] == 300
