"""A log whose files are open elsewhere in the same process is read as any other."""

import resource
import subprocess
import sys
from contextlib import closing
from subprocess import PIPE

import h5py
import numpy as np
import pytest
import xarray as xr
from tests.probes.log.runs import closed, segmented

from probes.errors import LogError
from probes.log import open_log


def by_h5py(**options):
    return lambda path: h5py.File(path, **options)


def by_xarray(path):
    return closing(xr.open_dataset(path, engine="h5netcdf"))


HOLDERS = {
    "h5py": by_h5py(),
    "h5py without locks": by_h5py(locking=False),
    "h5py for writing": by_h5py(mode="r+"),
    "h5py by stdio": by_h5py(driver="stdio"),
    "xarray": by_xarray,
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("made", [closed, segmented])
def test_a_log_is_read_whoever_holds_its_file_open(tmp_path, made, holder):
    path = made(tmp_path / "seed-0").path
    wanted = np.asarray(open_log(path)["correlations"])
    with HOLDERS[holder](path / "log.h5"):
        log = open_log(path)
        for _ in range(4):  # from the third time on HDF5 is not asked, if it has said where chunks lie
            np.testing.assert_array_equal(log["correlations"][:, 0, 1, 0, 1], wanted[:, 0, 1, 0, 1])
        np.testing.assert_array_equal(log["correlations"], wanted)
        assert log.faults == ()


def test_a_segment_that_is_held_open_is_read(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    wanted = np.asarray(open_log(path)["correlations"])
    with h5py.File(path / "seg-000001.h5"):
        np.testing.assert_array_equal(open_log(path)["correlations"], wanted)


def test_the_holder_reads_on_after_a_reader(tmp_path):
    path = closed(tmp_path / "seed-0").path
    with h5py.File(path / "log.h5") as file:
        wanted = np.asarray(open_log(path)["correlations"])
        np.testing.assert_array_equal(file["correlations"], wanted)


def test_damage_is_named_also_where_the_file_is_held_open(tmp_path):
    path = closed(tmp_path / "seed-0").path
    with h5py.File(path / "log.h5", "r+") as file:
        file["more"] = 1
        file.flush()
        with pytest.raises(LogError, match=r"`more`, which does not belong there; move it away, or copy the run anew$"):
            open_log(path).steps  # noqa: B018 - a property that reads


def test_a_process_with_too_many_files_open_is_not_advised_to_move_its_log_away(tmp_path):
    path = closed(tmp_path / "seed-0").path
    log = open_log(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(LogError, match=r"got .*Too many open files.*; close other files, or allow more of them"):
            log.steps  # noqa: B018
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_that_another_process_has_open_for_writing_is_not_to_be_moved_away(tmp_path):
    path = closed(tmp_path / "seed-0").path
    writer = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); file.flush(); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", writer, path / "log.h5"], stdin=PIPE, stdout=PIPE) as process:
        process.stdout.readline()
        with pytest.raises(
            LogError, match=r"a file that nobody writes, got .*; close it there; if it is closed, `h5clear"
        ):
            open_log(path).steps  # noqa: B018
        process.communicate(b"\n")
    assert len(open_log(path).steps) == 50
