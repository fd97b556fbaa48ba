"""A log stays as it was when it was first read, whatever its writer does to the files, until it is refreshed."""

import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, STEPS, again, arrays, fill, live, manifest, packed, scalars, segmented

from probes.errors import LogError
from probes.log import open_log
from probes.log.writing import Position, RunWriter


def test_rows_that_came_since_are_not_in_it(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=12 * ROW_BYTES) as writer:
        fill(writer, rows=slice(0, 30))
        writer.flush()
        log = open_log(writer.path)
        assert len(log.steps) == 30
        fill(writer, rows=slice(30, None))

    for name, values in arrays().items():
        np.testing.assert_array_equal(log[name][:], values[:30])
    assert log.steps.tolist() == STEPS[:30].tolist()
    assert log.scalars().index.tolist() == [step for step in scalars() if step < 30]
    assert len(log.refresh().steps) == 50


def test_rows_that_a_later_attempt_recorded_anew_are_told_to_be_gone(tmp_path):
    log = segmented(tmp_path / "seed-0")
    assert len(log.steps) == 50
    again(log.path, slice(20, None), Position(int(STEPS[19]), 20)).close()
    with pytest.raises(LogError) as error:
        np.asarray(log["count"])

    told = f"expected the rows of `{log.path}` as they were, got others: it was resumed; refresh the log"
    assert str(error.value) == told
    np.testing.assert_array_equal(log.refresh()["count"][:], arrays()["count"])


def test_rows_that_a_later_attempt_kept_are_found_where_they_are(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=12 * ROW_BYTES, pack_bytes=0) as writer:
        fill(writer, rows=slice(0, 30))
    log = open_log(writer.path)
    assert len(log.steps) == 30
    again(log.path, slice(30, None), Position(int(STEPS[29]), 30)).close()

    assert not list(log.path.glob("seg-*"))
    np.testing.assert_array_equal(log["count"][:], arrays()["count"][:30])


def test_a_log_that_was_not_read_before_a_later_attempt_was_packed_shows_that(tmp_path):
    log = packed(tmp_path / "seed-0")
    again(log.path, slice(20, None), Position(int(STEPS[19]), 20)).close()

    assert len(log.manifest.attempts) == 0
    np.testing.assert_array_equal(log["correlations"][:], arrays()["correlations"])


def test_rows_are_read_while_their_files_keep_moving(tmp_path):
    log = packed(tmp_path / "seed-0")
    view = log["count"]
    assert len(view) == 50
    again(log.path, slice(50, None), Position(int(STEPS[-1]), 50), pack_bytes=0).close()

    np.testing.assert_array_equal(view[:], arrays()["count"])


def test_a_series_that_is_held_is_refreshed_with_its_log(tmp_path):
    log = packed(tmp_path / "seed-0")
    view = log["count"]
    assert view[25] == STEPS[25] ** 2
    with RunWriter(log.path, manifest(), resume=Position(int(STEPS[19]), 20)) as writer:
        for step in range(20, 30):
            writer.append(step, {name: values[0] for name, values in arrays().items()})
    log.refresh()

    assert (len(view), view[25], view[:][25]) == (30, 0, 0)


def test_the_status_is_part_of_the_snapshot(tmp_path):
    before = live(tmp_path / "seed-0")
    asked, unasked = open_log(before.path), open_log(before.path)
    assert asked.status == "recording"
    before.writer.close("diverged", "the loss is not finite")

    assert [log.status for log in (before, asked, unasked)] == ["recording"] * 3  # as their manifests and rows say
    assert [log.refresh().status for log in (asked, unasked)] == ["diverged"] * 2
