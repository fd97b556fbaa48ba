import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, STEPS, again, arrays, closed, fill, manifest, packed, segmented

from probes.errors import RunError
from probes.log import Manifest, StoredDirections, open_log, read_manifest
from probes.log.writing import Position, RunWriter

AT_20 = Position(int(STEPS[19]), 20)


def same_as_uninterrupted(log):
    np.testing.assert_array_equal(log.steps, STEPS)
    for name, values in arrays().items():
        np.testing.assert_array_equal(log[name][:], values)
    assert log.faults == ()


@pytest.mark.parametrize("form", [closed, packed, segmented])
@pytest.mark.parametrize("block_rows", [7, 1000])
def test_a_closed_run_goes_on_from_a_position(tmp_path, form, block_rows):
    form(tmp_path / "seed-0")
    again(tmp_path / "seed-0", slice(20, None), AT_20, block_bytes=block_rows * ROW_BYTES).close()

    same_as_uninterrupted(open_log(tmp_path / "seed-0"))
    assert read_manifest(tmp_path / "seed-0").attempts == (19,)


def test_what_was_recorded_after_the_position_is_superseded_at_once(tmp_path):
    segmented(tmp_path / "seed-0")
    with RunWriter(tmp_path / "seed-0", manifest(), resume=AT_20):
        log = open_log(tmp_path / "seed-0")
        assert log.steps.tolist() == STEPS[:20].tolist()
        assert log.scalars().index.max() == 10
        assert log.status == "recording"


def test_sealed_files_are_never_rewritten(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    before = {file.name: file.read_bytes() for file in path.glob("seg-*.h5")}
    again(path, slice(20, None), AT_20, pack_bytes=0).close()

    assert {name: (path / name).read_bytes() for name in before} == before
    same_as_uninterrupted(open_log(path))


def test_a_resumed_run_that_is_packed_holds_only_what_counts(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    again(path, slice(20, None), AT_20).close()

    assert sorted(file.name for file in path.iterdir()) == ["LOCK", "log.h5", "run.json"]
    same_as_uninterrupted(open_log(path))


def test_a_log_of_a_resumed_run_shows_any_tool_what_counts(tmp_path):
    import h5py

    path = segmented(tmp_path / "seed-0").path
    again(path, slice(20, None), AT_20, pack_bytes=0).close()
    with h5py.File(path / "log.h5") as file:
        np.testing.assert_array_equal(file["correlations"][:], arrays()["correlations"])


def test_from_no_position_the_run_begins_anew_and_nothing_before_counts(tmp_path):
    segmented(tmp_path / "seed-0")
    again(tmp_path / "seed-0", slice(None), Position()).close()

    same_as_uninterrupted(open_log(tmp_path / "seed-0"))
    assert read_manifest(tmp_path / "seed-0").attempts == (-1,)


def test_where_there_is_no_run_resuming_begins_one(tmp_path):
    again(tmp_path / "seed-0", slice(None), Position()).close()

    same_as_uninterrupted(open_log(tmp_path / "seed-0"))
    assert read_manifest(tmp_path / "seed-0").attempts == ()


def test_a_position_is_on_the_disk_when_it_is_told(tmp_path):
    writer = RunWriter(tmp_path / "seed-0", manifest())
    fill(writer, rows=slice(0, 20))

    assert writer.position(19) == AT_20
    assert len(open_log(tmp_path / "seed-0").steps) == 20
    writer.close()


def test_the_first_step_after_a_position_comes_after_it(tmp_path):
    closed(tmp_path / "seed-0")
    writer = RunWriter(tmp_path / "seed-0", manifest(), resume=AT_20)
    row = {name: values[0] for name, values in arrays().items()}
    with writer, pytest.raises(ValueError, match="expected a step after 19"):
        writer.append(19, row)


def test_a_log_that_lacks_rows_of_the_position_is_refused_and_left_alone(tmp_path):
    path = closed(tmp_path / "seed-0").path
    with pytest.raises(RunError) as error:
        RunWriter(path, manifest(), resume=Position(19, 21))

    assert str(error.value) == (
        f"expected 21 rows up to step 19 in `{path}`, got 20; go on from an earlier checkpoint, or record the run "
        "again (--force, overwrite=True)"
    )
    same_as_uninterrupted(open_log(path))


def test_a_run_of_other_series_or_directions_is_refused(tmp_path):
    path = closed(tmp_path / "seed-0").path
    other = StoredDirections(("feature",), np.eye(2))
    with pytest.raises(RunError) as error:
        RunWriter(path, Manifest("seed-0", ()), directions={"w": other}, resume=AT_20)

    assert str(error.value) == (
        f"expected to go on with what `{path}` records, got other series and directions; record into another "
        "directory, or overwrite it (--force, overwrite=True)"
    )


def test_a_position_in_a_run_that_is_gone_is_refused(tmp_path):
    with pytest.raises(RunError) as error:
        RunWriter(tmp_path / "seed-0", manifest(), resume=AT_20)

    assert str(error.value) == (
        f"expected a run to go on with at `{tmp_path}/seed-0`, got none; name that of the checkpoint"
    )


def test_time_adds_up_over_attempts(tmp_path):
    closed(tmp_path / "seed-0")
    first = read_manifest(tmp_path / "seed-0").wall_seconds
    again(tmp_path / "seed-0", slice(20, None), AT_20).close()

    assert read_manifest(tmp_path / "seed-0").wall_seconds > first


def test_a_log_opened_before_a_new_attempt_stays_as_it_was(tmp_path):
    log = segmented(tmp_path / "seed-0")
    writer = again(tmp_path / "seed-0", slice(20, 40), AT_20, block_bytes=5 * ROW_BYTES)
    writer.flush()

    same_as_uninterrupted(log)
    assert log.refresh().steps.tolist() == STEPS[:40].tolist()
    writer.close()


CUT_OFF = """
import sys
from probes.log.writing import Position, RunWriter
from tests.probes.log.runs import ROW_BYTES, fill, manifest
writer = RunWriter(sys.argv[1], manifest(), block_bytes=9 * ROW_BYTES, flush_every=4)
fill(writer, rows=slice(0, 20))
print(*writer.position(19), flush=True)
fill(writer, rows=slice(20, 33))
print("there", flush=True)
sys.stdin.read()
"""


def test_a_killed_run_goes_on_from_its_last_position(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CUT_OFF, tmp_path / "seed-0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    position = Position(*map(int, process.stdout.readline().split()))
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    with suppress(BrokenPipeError):
        process.communicate()

    again(tmp_path / "seed-0", slice(20, None), position).close()
    same_as_uninterrupted(open_log(tmp_path / "seed-0"))


def test_a_run_of_another_schedule_is_refused(tmp_path):
    closed(tmp_path / "seed-0")
    with pytest.raises(RunError, match=r"got other schedule; record into another directory"):
        RunWriter(tmp_path / "seed-0", manifest(schedule="every(2)"), resume=AT_20)


def test_a_segment_that_was_never_there_is_missed_no_more_once_the_run_goes_on(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    (path / "seg-000002.h5").unlink()
    assert len(open_log(path).faults) == 1
    again(path, slice(20, None), AT_20, pack_bytes=0).close()

    same_as_uninterrupted(open_log(path))
