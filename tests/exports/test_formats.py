"""What another tool reads back is, number by number, what was recorded."""

import csv
import re
import sys

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import DIMS, FORMS, LABELS, SHAPE, STEPS, arrays, closed, scalars, segmented

from probes.errors import LogError, ProbesError, RunError
from probes.log import Manifest, Series, open_log
from probes.log.exports.formats import export
from probes.log.writing import RunWriter

TABLES = ("correlations", "conv~1weight", "count", "scalars")


@pytest.fixture
def log(tmp_path):
    return segmented(tmp_path / "seed-0")


def tidy():
    """The long table of the correlations, made with loops."""
    for step, row in zip(STEPS.tolist(), arrays()["correlations"], strict=True):
        for place in np.ndindex(*SHAPE):
            yield (step, *place[:3], LABELS["view"][place[3]], row[place])


@pytest.mark.parametrize("form", FORMS)
def test_csv_holds_every_value_of_a_log_of_any_form(tmp_path, form):
    log = FORMS[form](tmp_path / "seed-0")
    list(export(log, "csv", tmp_path / "out"))
    with (tmp_path / "out/correlations.csv").open(newline="") as file:
        head, *rows = csv.reader(file)

    assert head == ["step", *DIMS, "value"]
    assert [(*map(int, row[:4]), row[4], np.float32(row[5])) for row in rows] == list(tidy())
    if hasattr(log, "writer"):
        log.writer.close()


def test_csv_of_doubles_and_whole_numbers_is_exact(log, tmp_path):
    list(export(log, "csv", tmp_path))
    read = {name: np.loadtxt(tmp_path / f"{name}.csv", delimiter=",", skiprows=1) for name in TABLES[1:3]}

    np.testing.assert_array_equal(read["conv~1weight"][:, 2].reshape(50, 5), arrays()["conv/weight"])
    np.testing.assert_array_equal(read["count"], np.stack([STEPS, STEPS**2], axis=1))


def test_csv_of_scalars_has_a_column_for_each_and_leaves_empty_what_was_not_logged(log, tmp_path):
    list(export(log, "csv", tmp_path))
    with (tmp_path / "scalars.csv").open(newline="") as file:
        read = {
            int(row.pop("step")): {name: float(text) for name, text in row.items() if text}
            for row in csv.DictReader(file)
        }

    assert read == scalars()


def written(path, series, values, **scalars):
    with RunWriter(path, Manifest("seed-0", (series,))) as writer:
        for step, row in enumerate(values):
            writer.append(step, {series.name: np.asarray(row, series.dtype)})
        writer.log(0, scalars)
    return open_log(path)


def test_csv_quotes_labels_and_keeps_what_is_no_number(tmp_path):
    series = Series("a b", ("x",), (3,), "<f8", labels={"x": ("a,b", 'say "c"', "d\ne")})
    log = written(tmp_path / "run", series, [[np.nan, np.inf, -0.1]])
    list(export(log, "csv", tmp_path))
    with (tmp_path / "a b.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["0", "a,b", "nan"], ["0", 'say "c"', "inf"], ["0", "d\ne", "-0.1"]]


def test_parquet_holds_every_value_with_labels_as_a_dictionary(log, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    list(export(log, "parquet", tmp_path))
    table = parquet.read_table(tmp_path / "correlations.parquet")

    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == list(tidy())
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        *["int32"] * 3,
        "dictionary<values=string, indices=int32, ordered=0>",
        "float",
    ]
    assert table.schema.metadata == {b"series": b"correlations", b"units": b"1"}


def test_parquet_of_doubles_whole_numbers_and_scalars_is_exact(log, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    list(export(log, "parquet", tmp_path))
    weight, count, logged = (parquet.read_table(tmp_path / f"{name}.parquet").to_pydict() for name in TABLES[1:])

    np.testing.assert_array_equal(np.reshape(weight["value"], (50, 5)), arrays()["conv/weight"])
    assert count == {"step": STEPS.tolist(), "value": (STEPS**2).tolist()}
    rows = [dict(zip(logged, row, strict=True)) for row in zip(*logged.values(), strict=True)]
    assert {
        row.pop("step"): {name: value for name, value in row.items() if value is not None} for row in rows
    } == scalars()


def test_parquet_has_a_row_group_for_every_piece(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    log = written(tmp_path / "run", Series("w", ("x",), (2**17,)), np.arange(3 * 2**17).reshape(3, -1))
    list(export(log, "parquet", tmp_path))
    file = parquet.ParquetFile(tmp_path / "w.parquet")

    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [2**18, 2**17]
    assert file.read()["value"].to_pylist() == list(range(3 * 2**17))


def test_parquet_without_pyarrow_says_what_to_install(log, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    line = "expected pyarrow, which Parquet files need, got none installed; pip install 'feature-probes[parquet]'"
    with pytest.raises(ProbesError, match=f"^{re.escape(line)}$"):
        list(export(log, "parquet", tmp_path / "out"))

    assert not (tmp_path / "out").exists()


def test_xarray_opens_the_netcdf_file_with_all_that_was_recorded(log, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    list(export(log, "netcdf", tmp_path / "one.nc"))
    with xarray.open_dataset(tmp_path / "one.nc", engine="h5netcdf") as dataset:
        assert dataset["correlations"].dims == ("step", "class", "correlations.neuron", "feature_class", "view")
        assert dataset["view"].values.tolist() == ["left", "right"]
        assert dataset["conv~1weight"].attrs["units"] == "nats"
        for name, values in arrays().items():
            np.testing.assert_array_equal(dataset[name.replace("/", "~1")].sel(step=STEPS), values)


def test_netcdf_has_scalars_along_an_axis_of_their_own(log, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    list(export(log, "netcdf", tmp_path / "one.nc"))
    with xarray.open_dataset(tmp_path / "one.nc", engine="h5netcdf") as dataset:
        for name, stored in (("train/loss", "train~1loss"), ("error", "error")):
            found = dataset[stored].dropna("scalar_step")
            logged = {step: values[name] for step, values in scalars().items() if name in values}
            assert dict(zip(found["scalar_step"].values.tolist(), found.values.tolist(), strict=True)) == logged


def test_a_scalar_of_a_taken_name_gets_another_in_netcdf(tmp_path):
    log = written(tmp_path / "run", Series("w", ("x",), (2,)), [[1, 2]], w=3.0, x=4.0, step=5.0, scalar_step=6.0)
    list(export(log, "netcdf", tmp_path / "one.nc"))

    with h5py.File(tmp_path / "one.nc") as file:
        assert {name: file[f"scalar.{name}"][:].tolist() for name in ("w", "x", "step", "scalar_step")} == {
            "w": [3],
            "x": [4],
            "step": [5],
            "scalar_step": [6],
        }


@pytest.mark.parametrize("to", ["csv", "parquet", "netcdf"])
def test_a_run_without_rows_and_scalars_is_written_empty(tmp_path, to):
    log = written(tmp_path / "run", Series("w", (), ()), [])

    assert all(file.bytes for file in export(log, to, tmp_path / "out"))


def test_only_chosen_series_are_written(log, tmp_path):
    files = list(export(log, "csv", tmp_path / "out", series=["count"]))

    assert [(file.path.name, file.holds) for file in files] == [("count.csv", ("count",))]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["count.csv"]
    list(export(log, "netcdf", tmp_path / "one.nc", series=["count"]))
    with h5py.File(tmp_path / "one.nc") as file:
        assert sorted(file) == ["count", "step"]


@pytest.mark.parametrize("to", ["csv", "parquet", "netcdf"])
def test_without_a_place_the_run_names_it(log, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    (first, *_) = export(log, to)

    assert str(first.path) == {"netcdf": "seed-0.nc"}.get(to, f"seed-0-{to}/correlations.{to}")


def test_an_unknown_series_is_refused_before_anything_is_written(log, tmp_path):
    line = f"expected a series of `{log.path}`, one of correlations, conv/weight, count; got `cuont`"
    with pytest.raises(LogError, match=f"^{re.escape(line)}$"):
        list(export(log, "csv", tmp_path / "out", series=["count", "cuont"]))

    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked_and_nothing_written_then(log, tmp_path):
    (tmp_path / "count.csv").write_text("mine")
    line = f"expected nothing at `{tmp_path / 'count.csv'}`, got a file; name another, or overwrite it (--force)"
    with pytest.raises(RunError, match=f"^{re.escape(line)}$"):
        list(export(log, "csv", tmp_path))

    assert not (tmp_path / "correlations.csv").exists()
    assert len(list(export(log, "csv", tmp_path, overwrite=True))) == 4


def test_what_cannot_be_read_leaves_no_file(tmp_path):
    log = closed(tmp_path / "seed-0")
    with h5py.File(log.path / "log.h5") as file:
        place = file["count"].id.get_chunk_info(0).byte_offset
    with (log.path / "log.h5").open("r+b") as file:
        file.seek(place)
        file.write(b"\0\0\0\0")
    with pytest.raises(LogError, match="intact HDF5 file"):
        list(export(log, "csv", tmp_path / "out", series=["count"]))

    assert list((tmp_path / "out").iterdir()) == []
