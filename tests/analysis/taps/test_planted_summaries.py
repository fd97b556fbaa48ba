"""A shared folder of runs, in which somebody else has planted files: analysing it reads and writes nothing else."""

import os
import struct
import time

import numpy as np
import pytest

from probes.analysis.taps import passes
from probes.analysis.taps.summaries import summarise, summarised
from probes.analysis.taps.tap import taps_of
from probes.log.layout import SUMMARIES, Series
from probes.log.manifest import Manifest
from probes.log.reader import open_log
from probes.log.writing.writer import RunWriter
from tests.analysis.hand import LAYOUT, random_values

STEPS = 70
VALUES = random_values(steps=STEPS, classes=3, neurons=7)
MANIFEST = Manifest("a", (Series("correlations", LAYOUT, VALUES.shape[1:]),), recipe={"network": {"q": 3}})


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "BLOCK_BYTES", 16 * VALUES[0].nbytes)
    monkeypatch.setattr(passes, "_CHUNK_STEPS", 1)
    with RunWriter(tmp_path / "a", MANIFEST) as writer:
        writer.extend(range(STEPS), {"correlations": VALUES})
    return open_log(tmp_path / "a")


def strengths(log):
    found = summarised(log, taps_of(log)["correlations"], np.arange(STEPS))
    return np.concatenate([one.strength for one in found])


def plain_strengths():
    own = VALUES[:, np.arange(3), :, np.arange(3)].swapaxes(0, 1)
    return np.maximum(own, 0).sum(axis=2)


def test_summaries_are_kept_and_read_again(log):
    assert summarise(log, taps_of(log)["correlations"])
    assert (log.path / SUMMARIES).is_file()
    np.testing.assert_allclose(strengths(log), plain_strengths(), rtol=1e-6)


def test_a_planted_link_is_not_written_through(log, tmp_path):
    (tmp_path / "victim").write_text("precious")
    for name in (SUMMARIES, f".{SUMMARIES}.{os.getpid()}.tmp"):
        (log.path / name).symlink_to(tmp_path / "victim")

    assert summarise(log, taps_of(log)["correlations"])
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (log.path / SUMMARIES).is_symlink()


@pytest.mark.parametrize("large", [False, True])
def test_an_archive_of_very_many_names_is_passed_over_at_once(log, large):
    assert summarise(log, taps_of(log)["correlations"])
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"%08d" % name for name in range(300_000))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0, 0, 0 if large else len(directory), 0, 0)
    if large:
        sizes = (300_000, 300_000, len(directory), 0)
        end = struct.pack("<4sIQI", b"PK\6\7", 0, len(directory), 1) + end
        end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *sizes) + end
    (log.path / SUMMARIES).write_bytes(directory + end)
    began = time.monotonic()
    found = strengths(log)

    assert time.monotonic() - began < 1
    np.testing.assert_allclose(found, plain_strengths(), rtol=1e-6)
