import h5py
import numpy as np
import pytest
from tests.probes.log.runs import FORMS, ROW_BYTES, STEPS, arrays, closed, fill, manifest, segmented

from probes.errors import LogError
from probes.log import Manifest, Series, open_log
from probes.log.writing import Position, RunWriter
from probes.log.writing.merged import merge


def test_what_was_left_out_is_told_in_the_packed_log(tmp_path):
    log = segmented(tmp_path / "seed-0")
    with h5py.File(log.path / "seg-000001.h5", "a") as file:
        file.attrs["gaps"] = np.array([[12, 14, 3]])
    (log.path / "log.h5").unlink()
    merge(log.path, log.manifest, pack_bytes=10**6)

    assert log.refresh().faults == (f"`{log.path}`: 3 rows, steps 12 to 14, were left out",)
    assert not list(log.path.glob("seg-*"))


def test_a_disk_without_room_for_a_packed_log_keeps_the_segments(tmp_path, monkeypatch):
    from probes.segments import merged

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merged, "segment_bytes", full)
    with RunWriter(tmp_path / "seed-0", manifest(), block_bytes=12 * ROW_BYTES) as writer:
        fill(writer)
    log = open_log(tmp_path / "seed-0")

    assert len(list(log.path.glob("seg-*"))) == 5
    np.testing.assert_array_equal(log["correlations"][:], arrays()["correlations"])


def test_a_run_whose_packing_was_cut_off_is_read_from_the_packed_log(tmp_path):
    whole = segmented(tmp_path / "whole")
    log = FORMS["packed"](tmp_path / "seed-0")
    (log.path / "seg-000003.h5").write_bytes((whole.path / "seg-000003.h5").read_bytes())

    assert log.refresh().steps.tolist() == STEPS.tolist()
    assert log.faults == ()


def test_a_damaged_segment_is_refused_and_the_rest_read_without_it(tmp_path):
    log = segmented(tmp_path / "seed-0")
    (log.path / "seg-000002.h5").write_bytes(b"nonsense")
    with pytest.raises(LogError, match=r"^refused `.*seg-000002.h5`: .*; move it away, or copy the run anew$"):
        np.asarray(log["count"])
    (log.path / "seg-000002.h5").unlink()

    assert len(log.refresh().steps) == 50 - 12


@pytest.mark.parametrize("options", [{}, {"block_bytes": 2000}, {"block_bytes": 2000, "pack_bytes": 0}], ids=str)
def test_any_tool_reads_the_merged_log_from_any_place(tmp_path, monkeypatch, options):
    path = closed(tmp_path / "seed-0", **options).path
    monkeypatch.chdir("/")

    with h5py.File(path / "log.h5") as file:
        np.testing.assert_array_equal(file["correlations"], arrays()["correlations"])
        np.testing.assert_array_equal(file["count"], arrays()["count"])
        np.testing.assert_array_equal(file["step"], STEPS)
        assert [dim.label for dim in file["correlations"].dims][:2] == ["step", "class"]
        assert file["correlations"].dims[0][0] == file["step"]
        assert file["correlations"].dims[4][0].asstr()[:].tolist() == ["left", "right"]


def test_a_name_may_have_any_sign(tmp_path):
    series = (Series("100%d/a~b", ("x",), (2,)),)
    with RunWriter(tmp_path / "seed-0", Manifest("seed-0", series), block_bytes=48, pack_bytes=0) as writer:
        for step in range(10):
            writer.append(step, {"100%d/a~b": np.full(2, step, "f4")})
        writer.log(9, {"100%d/a~b": 1.0})

    with h5py.File(tmp_path / "seed-0/log.h5") as file:
        assert file["100%d~1a~0b"][:, 1].tolist() == [*range(10)]
    assert open_log(tmp_path / "seed-0").scalars().columns.tolist() == ["100%d/a~b"]


def test_a_missing_segment_shows_as_nan_in_the_merged_log(tmp_path):
    log = segmented(tmp_path / "seed-0")
    (log.path / "seg-000001.h5").unlink()

    with h5py.File(log.path / "log.h5") as file:
        assert np.isnan(file["correlations"][12:24]).all()
        assert (file["count"][12:24] == np.iinfo(np.int64).min).all()
        np.testing.assert_array_equal(file["correlations"][24:], arrays()["correlations"][24:])


def test_xarray_opens_the_merged_log(tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path = closed(tmp_path / "seed-0").path

    with xarray.open_dataset(path / "log.h5", engine="h5netcdf") as dataset:
        assert dataset["correlations"].dims[-1] == "view"
        np.testing.assert_array_equal(dataset["correlations"].sel(step=125), arrays()["correlations"][-1])


def test_a_merged_log_says_that_it_needs_its_segments(tmp_path):
    log = closed(tmp_path / "seed-0", block_bytes=2000, pack_bytes=0)
    with h5py.File(log.path / "log.h5") as file:
        needs = file.attrs["needs"].decode()

    assert needs == (
        "the rows lie in seg-*.h5 beside this file: copy the whole folder, or make one file of it with `probes pack`"
    )
    assert open_log(log.path).faults == ()


def test_scalars_logged_again_stand_once_in_the_file(tmp_path):
    path = tmp_path / "seed-0"
    with RunWriter(path, manifest()) as writer:
        for step in range(6):
            writer.append(step, {name: values[0] for name, values in arrays().items()})
            writer.log(step, {"loss": float(step)})
        writer.log(5, {"loss": -1.0})
    with RunWriter(path, manifest(), resume=Position(5, 6)) as writer:
        writer.log(3, {"loss": 30.0})
        writer.log(6, {"loss": 60.0})
    with h5py.File(path / "log.h5") as file:
        found = [file[f"scalars/loss/{name}"][:].tolist() for name in ("step", "value")]

    assert found == [[0, 1, 2, 3, 4, 5, 6], [0.0, 1.0, 2.0, 30.0, 4.0, -1.0, 60.0]]
