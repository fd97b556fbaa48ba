"""What is kept beside a log is what plain NumPy finds in it, and never answers for another state of it."""

import os
import zipfile

import numpy as np
import pytest

from probes.analysis import features
from probes.analysis.taps import passes, summaries
from probes.analysis.taps import summary_file as kept
from probes.analysis.taps.summaries import extremes, summarise, summarised
from probes.analysis.taps.tap import taps_of
from probes.log.layout import SUMMARIES, Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from probes.log.reader import open_log
from probes.log.writing.resuming import Position
from probes.log.writing.writer import RunWriter
from tests.analysis.hand import LAYOUT, random_values

CLASSES, NEURONS, STEPS = 3, 7, 70
VALUES = random_values(steps=STEPS, classes=CLASSES, neurons=NEURONS)
ALL = np.arange(STEPS)
MANIFEST = Manifest("a", (Series("correlations", LAYOUT, VALUES.shape[1:]),), recipe={"network": {"q": 3}})


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 16 * VALUES[0].nbytes)
    monkeypatch.setattr(passes, "_CHUNK_STEPS", 1)


@pytest.fixture
def reads(monkeypatch):
    """Rows whose statistics were computed, in calls."""
    counted = []

    def counting(correlations):
        counted.append(len(correlations))
        return statistics(correlations)

    statistics = passes.statistics
    monkeypatch.setattr(passes, "statistics", counting)
    return counted


def record(path, values=VALUES, **options):
    with RunWriter(path, MANIFEST, **options) as writer:
        for step, row in enumerate(values):
            writer.append(step, {"correlations": row})
    return open_log(path)


@pytest.fixture
def log(tmp_path):
    return record(tmp_path / "a")


def tap_of(log):
    return taps_of(log)["correlations"]


def strengths(log, rows=ALL):
    return np.concatenate([found.strength for found in summarised(log, tap_of(log), rows)])


def plain_strengths(values=VALUES):
    own = values[:, np.arange(CLASSES), :, np.arange(CLASSES)].swapaxes(0, 1)  # (step, class, neuron, view)
    return np.maximum(own, 0).sum(axis=2)


def plain_off_peaks(values=VALUES):
    off = np.where(np.eye(CLASSES, dtype=bool)[:, None, :, None], 0, values)
    return np.maximum(off, 0).max(axis=(2, 3))


def test_what_is_kept_is_what_numpy_finds_in_the_whole_array(log):
    assert summarise(log, tap_of(log))
    found = list(summarised(log, tap_of(log), ALL))

    assert np.array_equal(np.concatenate([part.strength for part in found]), plain_strengths())
    assert np.array_equal(np.concatenate([part.off_peak for part in found]), plain_off_peaks())
    assert np.array_equal(extremes(log, tap_of(log)).smallest, VALUES.min(axis=0))
    assert np.array_equal(extremes(log, tap_of(log)).last, VALUES[-1])


def test_kept_and_computed_tables_are_equal_to_the_last_bit(log, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(summaries, "_LEAST_WIDTH", 10**9)
        computed = features(log), extremes(log, tap_of(log))

    assert summarise(log, tap_of(log))
    assert features(log).equals(computed[0])
    found = extremes(log, tap_of(log))
    assert all(np.array_equal(getattr(found, name), value) for name, value in vars(computed[1]).items())


def test_the_log_is_read_once(log, reads):
    features(log), features(log, every=2), extremes(log, tap_of(log)), features(open_log(log.path))

    assert sum(reads) == STEPS


def test_a_few_steps_are_read_without_the_others(log, reads):
    features(log, steps=[0, 69])

    assert sum(reads) == 2
    assert not (log.path / SUMMARIES).exists()


def test_deleting_it_does_no_harm(log):
    summarise(log, tap_of(log))
    (log.path / SUMMARIES).unlink()

    assert np.array_equal(strengths(log), plain_strengths())
    assert (log.path / SUMMARIES).exists()


def test_numpy_opens_it(log):
    summarise(log, tap_of(log))

    with np.load(log.path / SUMMARIES) as file:
        assert np.array_equal(file["extremes"][3], VALUES.max(axis=0))


def test_its_size_is_what_is_promised(tmp_path):
    log = record(tmp_path / "a", np.concatenate([VALUES] * 30))
    summarise(log, tap_of(log))

    values = 5 / (NEURONS * CLASSES) * 30 * VALUES.nbytes
    with zipfile.ZipFile(log.path / SUMMARIES) as file:
        stored = sum(one.file_size for one in file.infolist() if one.filename.removesuffix(".npy").isdigit())
    assert values <= stored <= 1.2 * values


def test_of_a_live_run_nothing_is_kept_and_every_row_is_seen(tmp_path):
    with RunWriter(tmp_path / "a", MANIFEST) as writer:
        for step in range(STEPS):
            writer.append(step, {"correlations": VALUES[step]})
            if step in {STEPS // 2, STEPS - 1}:
                writer.flush()
                live = open_log(tmp_path / "a")
                assert np.array_equal(strengths(live, ALL[: step + 1]), plain_strengths()[: step + 1])
        assert not (tmp_path / "a" / SUMMARIES).exists()


def test_a_run_that_was_resumed_is_summarised_again(log):
    summarise(log, tap_of(log))
    with RunWriter(log.path, MANIFEST, resume=Position(39, 40)) as writer:
        for step in range(40, STEPS):
            writer.append(step, {"correlations": -VALUES[step]})

    assert np.array_equal(strengths(open_log(log.path)), plain_strengths(np.concatenate([VALUES[:40], -VALUES[40:]])))


def test_a_run_that_was_overwritten_is_summarised_again(log):
    summarise(log, tap_of(log))
    again = record(log.path, -VALUES, overwrite=True)

    assert np.array_equal(strengths(again), plain_strengths(-VALUES))


def test_a_file_that_was_changed_is_summarised_again(log, reads):
    summarise(log, tap_of(log))
    [file] = log.path.glob("log.h5")
    os.utime(file, ns=(0, 0))
    strengths(open_log(log.path))

    assert sum(reads) == 2 * STEPS


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_ignored_and_written_again(log, share):
    summarise(log, tap_of(log))
    path = log.path / SUMMARIES
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    assert np.array_equal(strengths(log), plain_strengths())
    assert len(path.read_bytes()) == len(whole)


def test_a_changed_byte_is_never_believed(log):
    summarise(log, tap_of(log))
    path = log.path / SUMMARIES
    whole = path.read_bytes()
    for place in range(0, len(whole), 997):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert np.array_equal(strengths(log), plain_strengths()), place
        assert np.array_equal(extremes(log, tap_of(log)).largest, VALUES.max(axis=0)), place


def test_a_link_or_a_folder_in_its_place_is_passed_over(log, tmp_path):
    (log.path / SUMMARIES).symlink_to("/dev/zero")
    assert np.array_equal(strengths(log), plain_strengths())
    (log.path / SUMMARIES).unlink()
    (log.path / SUMMARIES).mkdir()

    assert np.array_equal(strengths(log), plain_strengths())
    assert [path.name for path in log.path.glob(".*.tmp")] == []


def test_where_nothing_can_be_written_the_log_is_read(log, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "_write_array", refuse)

    assert not summarise(log, tap_of(log))
    assert np.array_equal(strengths(log), plain_strengths())
    assert sorted(path.name for path in log.path.iterdir() if "summ" in path.name) == []


def test_a_full_disk_is_not_written_to(log, monkeypatch):
    monkeypatch.setattr(summaries, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))

    assert not summarise(log, tap_of(log))


def test_a_damaged_log_is_read_each_time_so_that_its_faults_are_told(tmp_path):
    log = record(tmp_path / "a")
    [file] = log.path.glob("*.h5")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(data)
    for _ in range(2):
        log = open_log(tmp_path / "a")
        strengths(log)
        assert log.faults
    assert not (log.path / SUMMARIES).exists()


def test_nothing_is_kept_of_a_log_in_memory(log, monkeypatch):
    monkeypatch.chdir(log.path.parent)
    summarise(log, tap_of(log))
    other = memory_log(log.manifest, log.steps, {"correlations": -VALUES})

    assert other.path.resolve() == log.path
    assert np.array_equal(strengths(other), plain_strengths(-VALUES))


def test_two_taps_of_a_run_are_not_taken_for_each_other(tmp_path):
    names = ("correlations", "second")
    manifest = Manifest("a", tuple(Series(name, LAYOUT, VALUES.shape[1:]) for name in names))
    with RunWriter(tmp_path / "a", manifest) as writer:
        for step, row in enumerate(VALUES):
            writer.append(step, {"correlations": row, "second": -row})
    log = open_log(tmp_path / "a")
    taps = taps_of(log)

    for name in (*names, *names):
        found = np.concatenate([part.strength for part in summarised(log, taps[name], ALL)])
        assert np.array_equal(found, plain_strengths(VALUES if name == "correlations" else -VALUES))
