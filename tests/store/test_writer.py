import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest
from tests.probes.log.runs import ROW_BYTES, arrays, closed, fill, live, manifest, segmented

from probes.errors import RunError
from probes.log import StoredDirections, open_log, read_manifest
from probes.log.writing import RunWriter

ROW = {name: values[0] for name, values in arrays().items()}


@pytest.fixture
def writer(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        yield writer


def test_a_manifest_is_there_before_the_first_row(writer):
    stored = read_manifest(writer.path)

    assert stored == writer.manifest
    assert stored.status == "recording"
    assert stored.created.endswith("+00:00")


def test_a_finished_run_is_one_file_with_its_manifest(tmp_path):
    path = closed(tmp_path / "seed-0").path

    assert sorted(file.name for file in path.iterdir()) == ["LOCK", "log.h5", "run.json"]
    assert read_manifest(path).status == "finished"
    assert 0 < read_manifest(path).wall_seconds < 60


def test_rows_and_bytes_are_counted(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest()) as writer:
        fill(writer)
        writer.flush()
        assert writer.rows == 50
        assert writer.bytes_written == (tmp_path / "seed-0/seg-000000.wal").stat().st_size


def test_directions_are_stored_and_named_in_the_manifest(tmp_path):
    directions = StoredDirections(("feature",), np.eye(3, dtype="f4"))
    RunWriter(tmp_path / "seed-0", manifest(), directions=directions).close()
    log = open_log(tmp_path / "seed-0")

    assert log.manifest.directions == directions.sha256 == log.directions().sha256
    assert log.directions().dims == ("feature", "dim")


def test_an_existing_run_is_refused(tmp_path):
    path = closed(tmp_path / "seed-0").path
    with pytest.raises(RunError) as error:
        RunWriter(path, manifest())

    assert str(error.value) == (
        f"expected no run at `{path}`, got one; name another directory, go on with it (resume=True), or overwrite it "
        "(--force, overwrite=True)"
    )
    assert len(open_log(path).steps) == 50


def test_an_existing_run_is_overwritten_whole(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    (path / "notes.txt").write_text("mine")
    RunWriter(path, manifest(), overwrite=True).close()

    assert sorted(file.name for file in path.iterdir()) == ["LOCK", "log.h5", "notes.txt", "run.json"]
    assert len(open_log(path).steps) == 0


def test_a_second_writer_is_refused_also_where_it_may_overwrite(writer):
    with pytest.raises(RunError) as error:
        RunWriter(writer.path, manifest(), overwrite=True)

    here = f"process {os.getpid()} on {socket.gethostname()}"
    assert str(error.value) == (
        f"expected no other writer of `{writer.path}`, got {here}; close that one, or name another directory"
    )


def test_a_place_that_is_no_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as error:
        RunWriter(tmp_path / "file", manifest())

    assert (
        str(error.value) == f"expected a directory to record into at `{tmp_path}/file`, got File exists; name another"
    )


@pytest.mark.parametrize("block_bytes", [0, 2**29 + 1])
def test_blocks_have_a_size_that_can_be_read_back(tmp_path, block_bytes):
    with pytest.raises(ValueError, match=rf"^expected `block_bytes` of 1 to 536870912, got {block_bytes}$"):
        RunWriter(tmp_path / "seed-0", manifest(), block_bytes=block_bytes)


def test_step_0_comes_first(writer):
    with pytest.raises(ValueError, match="expected step 0") as error:
        writer.append(1, ROW)

    assert str(error.value) == f"expected step 0, the initialisation, first in `{writer.path}`, got step 1"


def test_steps_rise(writer):
    writer.append(0, ROW)
    writer.append(7, ROW)
    with pytest.raises(ValueError, match="expected a step after") as error:
        writer.append(7, ROW)

    assert str(error.value) == f"expected a step after 7 in `{writer.path}`, got step 7"


def test_a_row_of_another_shape_is_refused_and_its_step_stays_free(writer):
    with pytest.raises(
        ValueError, match=r"^series `correlations`: expected shape \(2, 3, 2, 2\) at step 0, got \(1,\)$"
    ):
        writer.append(0, ROW | {"correlations": np.zeros(1)})

    writer.append(0, ROW)
    assert writer.rows == 1


def test_a_row_without_a_series_is_refused(writer):
    expected = r"^expected arrays \['conv/weight', 'correlations', 'count'\] at step 0, got \['count'\]$"
    with pytest.raises(ValueError, match=expected):
        writer.append(0, {"count": ROW["count"]})


def test_a_row_that_does_not_fit_the_dtype_is_refused(writer):
    with pytest.raises(TypeError, match="according to the rule 'same_kind'"):
        writer.append(0, ROW | {"count": np.array(0.5)})


def test_a_scalar_without_a_name_is_refused(writer):
    with pytest.raises(ValueError, match=r"^expected a name of 1 to 255 printable characters, got ''$"):
        writer.log(0, {"": 1.0})


def test_a_closed_writer_refuses_rows_and_closes_again(tmp_path):
    writer = RunWriter(tmp_path / "seed-0", manifest())
    writer.close()
    writer.close()
    with pytest.raises(RunError) as error:
        writer.append(0, ROW)

    assert str(error.value) == f"expected an open writer of `{writer.path}`, got a closed one; make another"


def test_a_forked_child_refuses_to_write(writer):
    writer.append(0, ROW)
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with writer:
                writer.append(1, ROW)
        except RunError as error:
            os.write(target, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = os.read(source, 10_000).decode()
    os.close(source)
    os.close(target)

    assert told == (
        f"expected process {os.getpid()} to write `{writer.path}`, got its fork {child}; name another run in it"
    )
    writer.append(1, ROW)
    assert len(open_log(writer.path).manifest.series) == 3


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "finished", ""),
        (ZeroDivisionError("by\nzero"), "failed", "ZeroDivisionError: by"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt: "),
    ],
    ids=str,
)
def test_the_end_of_a_with_block_is_the_end_of_the_run(tmp_path, error, status, reason):
    with suppress(ZeroDivisionError, KeyboardInterrupt), RunWriter(tmp_path / "seed-0", manifest()) as writer:
        fill(writer)
        if error:
            raise error
    log = open_log(tmp_path / "seed-0")

    assert (log.status, log.manifest.reason, len(log.steps)) == (status, reason, 50)


def test_a_recipe_that_json_cannot_hold_leaves_the_place_free(tmp_path):
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        RunWriter(tmp_path / "seed-0", manifest(recipe={"names": {"a"}}))

    RunWriter(tmp_path / "seed-0", manifest()).close()


def test_what_a_killed_writer_left_half_written_goes_with_the_run(tmp_path):
    path = closed(tmp_path / "seed-0").path
    (path / ".seg-000000.h5.17.tmp").write_text("half")
    RunWriter(path, manifest(), overwrite=True).close()

    assert sorted(file.name for file in path.iterdir()) == ["LOCK", "log.h5", "run.json"]


def test_a_forked_child_records_a_run_of_its_own(writer, tmp_path):
    fill(writer, rows=slice(0, 20))
    child = os.fork()
    if child == 0:
        try:
            with RunWriter(tmp_path / "child", manifest(), block_bytes=2000) as own:
                fill(own)
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert len(open_log(tmp_path / "child").steps) == 50


def test_scalars_alone_fill_blocks_too(tmp_path):
    with RunWriter(tmp_path / "seed-0", manifest(), pack_bytes=0) as writer:
        for step in range(70_000):
            writer.log(step, {"loss": step})
        writer.append(0, ROW)
        writer.log(7, {"loss": -1.0})
    log = open_log(tmp_path / "seed-0")
    loss = log.scalars()["loss"]

    assert len(list(log.path.glob("seg-*"))) == 2
    assert (loss[7], loss.drop(7).tolist()) == (-1.0, [*range(7), *range(8, 70_000)])


def test_no_thread_stays_when_nothing_is_to_be_sealed(tmp_path):
    before = threading.active_count()
    writers = [RunWriter(tmp_path / f"seed-{number}", manifest(f"seed-{number}")) for number in range(10)]
    for writer in writers:
        fill(writer)

    assert threading.active_count() == before
    for writer in writers:
        writer.close()


def test_memory_is_taken_as_rows_come(tmp_path):
    script = """
import resource, sys
import numpy as np
from probes.log import Manifest, Series
from probes.log.writing import RunWriter
series = (Series("w", ("neuron",), (1000,)),)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
writers = [RunWriter(f"{sys.argv[1]}/{name}", Manifest(f"{name}", series)) for name in range(30)]
for writer in writers:
    writer.append(0, {"w": np.zeros(1000, "f4")})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
for writer in writers:
    writer.close()
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 150_000, "kilobytes; 30 whole blocks would be 480,000"


def test_a_run_is_read_while_it_is_written_however_often(tmp_path):
    whole = arrays(np.arange(100))
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=30 * ROW_BYTES, flush_every=1) as writer:
        for step in range(100):
            writer.append(step, {name: values[step] for name, values in whole.items()})
            log = open_log(writer.path)
            assert (len(log.steps), log.faults, log.status) == (step + 1, (), "recording")
            np.testing.assert_array_equal(log["correlations"][-2:], whole["correlations"][: step + 1][-2:])


def test_a_killed_run_may_be_overwritten(tmp_path):
    log = live(tmp_path / "seed-0")
    log.writer._lock._file.close()  # as the end of the process does
    with RunWriter(log.path, manifest(), overwrite=True) as writer:
        fill(writer)

    assert len(open_log(log.path).steps) == 50
