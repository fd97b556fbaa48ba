"""Disks that are full, in a process of its own: a limit on the size of files stands for the disk."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from tests.probes.log.runs import fill, manifest

from probes.errors import LogError
from probes.log import open_log
from probes.log.writing import RunWriter

BEGIN = """
import json, resource, sys, warnings
import numpy as np
from probes.errors import LogError
from probes.log import Manifest, Series
from probes.log.writing import RunWriter
from probes.log import pipeline

pipeline._FIRST_DELAY = pipeline._LONGEST_DELAY = 1e-9  # a disk that refused is tried again at once
warnings.simplefilter("always", RuntimeWarning)

def disk(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def append(*steps):
    for step in steps:
        writer.append(step, {"w": np.random.default_rng(step).normal(size=1000)})
        writer.log(step, {"loss": step})

manifest = Manifest("seed-0", (Series("w", ("neuron",), (1000,), "<f8"),))
with warnings.catch_warnings(record=True) as caught:
    writer = RunWriter(sys.argv[1], manifest, flush_every=1, block_bytes=BLOCK)
"""
END = """
print(json.dumps([str(one.message) for one in caught]))
"""


def run(path, script, block=2**24):
    """What the script warned of, and what it wrote to stderr."""
    text = BEGIN.replace("BLOCK", str(block)) + textwrap.indent(textwrap.dedent(script), "    ") + END
    done = subprocess.run([sys.executable, "-c", text, path], capture_output=True, text=True, check=False)
    return (json.loads(done.stdout) if done.returncode == 0 else None), done.stderr


def rows(log):
    return np.array([np.random.default_rng(step).normal(size=1000) for step in log.steps])


def test_rows_wait_for_a_full_disk_with_one_warning(tmp_path):
    path = tmp_path / "seed-0"
    warned, _ = run(path, "disk(40_000); append(*range(20)); disk(10**9); append(20); writer.close()")
    log = open_log(path)

    assert warned == [
        f"`{path}`: File too large; rows stay in memory and are written later; free 40040 bytes",
    ]
    assert (log.steps.tolist(), log.faults, log.status) == ([*range(21)], (), "finished")
    np.testing.assert_array_equal(log["w"][:], rows(log))
    assert log.scalars()["loss"].tolist() == [*range(21)]


def test_a_reader_meets_whole_frames_while_the_disk_is_full(tmp_path):
    run(tmp_path / "seed-0", "disk(40_000); append(*range(20)); import os; sys.stdout.flush(); os._exit(9)")
    log = open_log(tmp_path / "seed-0")

    assert (log.steps.tolist(), log.faults, log.status) == ([0, 1, 2, 3], (), "stopped")
    np.testing.assert_array_equal(log["w"][:], rows(log))


def test_full_blocks_wait_for_a_full_disk(tmp_path):
    script = "append(*range(8)); writer.flush(); disk(100); append(*range(8, 30)); disk(10**9); writer.close()"
    warned, _ = run(tmp_path / "seed-0", script, block=80_080)
    log = open_log(tmp_path / "seed-0")

    assert len(warned) == 1
    assert (log.steps.tolist(), log.faults) == ([*range(30)], ())
    np.testing.assert_array_equal(log["w"][:], rows(log))


def test_rows_are_left_out_when_memory_is_full_and_the_log_says_which(tmp_path):
    path = tmp_path / "seed-0"
    script = "disk(100); append(*range(53)); disk(10**9); writer.flush(); append(*range(53, 70)); writer.close()"
    warned, _ = run(path, script, block=80_080)
    log = open_log(path)

    assert warned[1:] == [f"`{path}`: memory for rows is full; from step 40 on they are left out; free 320320 bytes"]
    assert log.steps.tolist() == [*range(40), *range(53, 70)]
    assert log.faults == (f"`{path}`: 13 rows, steps 40 to 52, were left out",)
    np.testing.assert_array_equal(log["w"][:], rows(log))


def test_rows_left_out_at_the_end_are_told_too(tmp_path):
    path = tmp_path / "seed-0"
    run(path, "disk(100); append(*range(45)); disk(10**9); writer.close()", block=80_080)

    assert open_log(path).faults == (f"`{path}`: 5 rows, steps 40 to 44, were left out",)


def test_a_gap_is_told_while_the_run_goes_on(tmp_path):
    path = tmp_path / "seed-0"
    script = "disk(100); append(*range(45)); disk(10**9); writer.flush(); append(45); import os; os._exit(9)"
    run(path, script, block=80_080)

    assert open_log(path).faults == (f"`{path}`: 5 rows, steps 40 to 44, were left out",)
    assert open_log(path).steps.tolist() == [*range(40), 45]


def test_a_gap_is_told_as_soon_as_the_disk_has_all_the_rest(tmp_path):
    path = tmp_path / "seed-0"
    run(path, "disk(100); append(*range(45)); disk(10**9); writer.flush(); import os; os._exit(9)", block=80_080)

    assert open_log(path).faults == (f"`{path}`: 5 rows, steps 40 to 44, were left out",)


def test_while_rows_are_lost_the_disk_is_tried_every_second(tmp_path):
    script = """
    pipeline._FIRST_DELAY, pipeline._LONGEST_DELAY = 0.01, 1000.0
    disk(100)
    append(*range(30))
    writer._pipeline._retry_at = pipeline.monotonic() + 1000
    append(*range(30, 50))
    disk(10**9)
    pipeline.monotonic = lambda now=pipeline.monotonic: now() + 0.01
    append(50)
    writer._pipeline._sealer.wait(0)
    append(51)
    writer.close()
    """
    run(tmp_path / "seed-0", script, block=80_080)

    assert 51 in open_log(tmp_path / "seed-0").steps


def test_a_journal_that_could_not_be_synced_is_trusted_no_more(tmp_path, monkeypatch):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        fill(writer, rows=slice(0, 20))
        monkeypatch.setattr("probes.log.writing.journal_writer.os.fsync", failing)
        with pytest.raises(LogError, match="got Input/output error; free"):
            writer.flush()
        monkeypatch.undo()
        writer.flush()

        assert [file.name for file in writer.path.glob("seg-*")] == ["seg-000000.h5"]
        assert len(open_log(writer.path).steps) == 20


def failing(number):
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("call", ["close", "flush"])
def test_what_cannot_be_written_at_the_end_is_one_clear_error(tmp_path, call):
    path = tmp_path / "seed-0"
    _, stderr = run(path, f"disk(40_000); append(*range(20)); writer.{call}()")

    assert stderr.splitlines()[-1] == (
        f"probes.errors.LogError: expected to write the last rows of `{path}`, got File too large; "
        "free 160160 bytes and try again"
    )


def test_a_close_that_failed_can_be_tried_again(tmp_path):
    script = """
    append(*range(20))
    disk(40_000)
    try:
        writer.close()
    except LogError:
        disk(10**9)
        writer.close("interrupted")
    """
    run(tmp_path / "seed-0", script)
    log = open_log(tmp_path / "seed-0")

    assert (len(log.steps), log.status) == (20, "interrupted")


def test_an_error_of_the_training_is_not_hidden_by_a_full_disk(tmp_path):
    script = """
    disk(40_000)
    with writer:
        append(*range(20))
        raise ZeroDivisionError("of the training")
    """
    _, stderr = run(tmp_path / "seed-0", script)

    assert stderr.splitlines()[-2] == "ZeroDivisionError: of the training"
    assert stderr.splitlines()[-1].startswith("expected to write the last rows of")
