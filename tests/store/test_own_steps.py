"""Series that have schedules of their own, written and read in every form; what is expected is kept row by row."""

import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from probes.errors import LogError, RunError
from probes.files.durable import write_whole
from probes.log import Manifest, Series, open_log
from probes.log.exports import export, pack
from probes.log.memory import memory_log
from probes.log.verification.findings import faults
from probes.log.writing import Position, RunWriter
from probes.schedules import parse

RULES = {"w": "every(1)", "rare": "every(7)", "log/large": "logarithmic(4) | at(33)", "count": "window(5, 40, 3)"}
SERIES = (
    Series("w", ("neuron",), (3,)),
    Series("rare", ("rank",), (2,), "<f8", schedule=RULES["rare"], labels={"rank": ("first", "second")}),
    Series("log/large", ("neuron",), (50,), schedule=RULES["log/large"]),
    Series("count", (), (), "<i8", schedule=RULES["count"]),
)
STEPS = range(61)
BLOCK = 8 * (8 + 12)  # bytes of eight rows


def recorded(name, step, rule=None):
    return step == 0 or parse(rule or RULES[name])(step)


def value(one, step):
    random = np.random.default_rng([step, len(one.name)])
    values = random.normal(size=one.shape).astype(one.dtype) if one.dtype != "<i8" else np.int64(step**2)
    if step == 21 and one.name == "rare":
        values[0] = np.nan  # a value like others
    return values


def manifest(run="every(1)"):
    return Manifest("seed-0", SERIES, schedule=run)


def expected(steps=STEPS, run="every(1)"):
    """Steps and values of each series, row by row."""
    rules = {one.name: one.schedule or run for one in SERIES}
    of = {one.name: [step for step in steps if recorded(one.name, step, rules[one.name])] for one in SERIES}
    return {one.name: (of[one.name], np.array([value(one, step) for step in of[one.name]])) for one in SERIES}


def fill(writer, steps=STEPS, run="every(1)"):
    for step in steps:
        rules = {one.name: one.schedule or run for one in SERIES}
        due = [one for one in SERIES if recorded(one.name, step, rules[one.name])]
        if due:
            writer.append(step, {one.name: value(one, step) for one in due})
        if step % 10 == 0:
            writer.log(step, {"loss": step / 2})


def check(log, wanted):
    for name, (steps, values) in wanted.items():
        assert log[name].steps.tolist() == steps, name
        np.testing.assert_array_equal(log[name][:], values, err_msg=name)
        assert log[name].shape == values.shape
    np.testing.assert_array_equal(log.steps, wanted["w"][0])
    assert log.faults == ()


def written(path, run="every(1)", **options):
    options = {"block_bytes": BLOCK, "flush_every": 3, "flush_seconds": 1e9} | options
    return RunWriter(path, manifest(run), **options)


@pytest.mark.parametrize("run", ["every(1)", "every(4)", "at(9, 10)"])
@pytest.mark.parametrize("options", [{}, {"pack_bytes": 0}, {"block_bytes": 2**20}])
def test_rows_are_read_at_the_steps_of_their_series(tmp_path, run, options):
    with written(tmp_path / "run", run, **options) as writer:
        fill(writer, run=run)

    check(open_log(tmp_path / "run"), expected(run=run))
    assert list(faults(tmp_path / "run")) == []


def test_a_live_log_has_all_rows_that_are_on_the_disk(tmp_path):
    with written(tmp_path / "run") as writer:
        log = open_log(tmp_path / "run")
        for start in range(0, 60, 6):
            fill(writer, range(start, start + 6))
            writer.flush()
            check(log.refresh(), expected(range(start + 6)))


@pytest.mark.parametrize("last", range(0, 61, 4))
def test_a_resumed_run_supersedes_the_steps_after_its_position(tmp_path, last):
    with written(tmp_path / "run", pack_bytes=0) as writer:
        fill(writer)
    with written(tmp_path / "run", pack_bytes=0, resume=Position(last, last + 1)) as writer:
        fill(writer, range(last + 1, 45))

    check(open_log(tmp_path / "run"), expected(range(max(45, last + 1))))
    assert list(faults(tmp_path / "run")) == []


def test_many_steps_at_once_are_as_one_after_the_other(tmp_path):
    wanted = expected()
    with written(tmp_path / "run") as writer:
        for steps in np.split(np.array(STEPS), [1, 5, 6, 31]):
            rows = {name: np.isin(own, steps) for name, (own, _) in wanted.items()}
            writer.extend(steps.tolist(), {name: wanted[name][1][inside] for name, inside in rows.items()})

    check(open_log(tmp_path / "run"), wanted)


def test_hdf5_tools_see_each_series_over_its_own_steps(tmp_path):
    with written(tmp_path / "run") as writer:
        fill(writer)

    with h5py.File(tmp_path / "run/log.h5") as file:
        assert file["rare"].dims[0][0].name == "/rare.step"
        assert file["rare.step"][:].tolist() == expected()["rare"][0]
        assert file["w"].dims[0][0].name == "/step"
        assert file.attrs["format_version"] == 2
    with xr.open_dataset(tmp_path / "run/log.h5", engine="h5netcdf") as dataset:
        assert dataset["count"].sel({"count.step": 8}) == 64


def test_the_dataset_has_an_axis_of_steps_for_each_schedule(tmp_path):
    with written(tmp_path / "run") as writer:
        fill(writer)
    dataset, (steps, values) = open_log(tmp_path / "run").to_xarray(), expected()["rare"]

    assert dataset["rare"].dims == ("rare.step", "rank")
    assert dataset["rare.step"].values.tolist() == steps
    np.testing.assert_array_equal(dataset["rare"], values)


@pytest.mark.parametrize("run", ["every(1)", "every(4)"])
@pytest.mark.parametrize("names", [(), ("rare",), ("w",), ("w", "count")])
def test_netcdf_holds_the_chosen_series_at_their_steps(tmp_path, run, names):
    with written(tmp_path / "run", run) as writer:
        fill(writer, run=run)
    list(export(open_log(tmp_path / "run"), "netcdf", tmp_path / "run.nc", series=names))

    with h5py.File(tmp_path / "run.nc") as file:
        for name in names or ("w", "rare", "count"):
            np.testing.assert_array_equal(file[name][:], expected(run=run)[name][1])
            assert file[name].dims[0][0][:].tolist() == expected(run=run)[name][0]


def test_tables_have_a_row_for_each_step_of_the_series(tmp_path):
    with written(tmp_path / "run") as writer:
        fill(writer)
    list(export(open_log(tmp_path / "run"), "csv", tmp_path / "tables"))

    table, (steps, values) = pd.read_csv(tmp_path / "tables/rare.csv"), expected()["rare"]
    assert table["step"].tolist() == [step for step in steps for _ in range(2)]
    np.testing.assert_array_equal(table["value"], values.ravel())


def test_a_packed_run_is_read_as_its_folder(tmp_path):
    with written(tmp_path / "run", pack_bytes=0) as writer:
        fill(writer)
    pack(open_log(tmp_path / "run"), tmp_path / "one.h5")

    check(open_log(tmp_path / "one.h5"), expected())


def test_a_log_in_memory_has_rows_at_the_steps_of_each_series():
    wanted = expected()
    check(memory_log(manifest(), STEPS, {name: values for name, (_, values) in wanted.items()}), wanted)


def test_rows_of_a_large_series_end_a_block_early(tmp_path):
    series = (Series("w", (), ()), Series("large", ("value",), (2**21,), schedule="every(3)"))  # two rows are 16 MiB
    with RunWriter(tmp_path / "run", Manifest("seed-0", series), pack_bytes=0) as writer:
        for step in range(10):
            large = {"large": np.full(2**21, step, "f4")} if step % 3 == 0 else {}
            writer.append(step, {"w": np.float32(step), **large})

    log = open_log(tmp_path / "run")
    assert [len(part) for part in log.parts()] == [4, 6]
    assert log["large"][:, :: 2**20].tolist() == [[0, 0], [3, 3], [6, 6], [9, 9]]
    assert log["w"][:].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"w": 3, "rare": 2}, "expected no `rare` at step 1, which its schedule leaves out, got some"),
        ({}, "expected arrays ['count', 'log/large', 'rare', 'w'] at step 1, got ['count', 'rare']"),
    ],
)
def test_a_step_takes_the_series_that_are_due(tmp_path, arrays, message):
    with written(tmp_path / "run") as writer:
        fill(writer, [0])
        with pytest.raises(ValueError) as error:  # noqa: PT011 - asserted whole below
            writer.append(1, {name: np.zeros(length, "f4") for name, length in arrays.items()})
        fill(writer, [1])

    assert str(error.value) == message
    check(open_log(tmp_path / "run"), expected(range(2)))


def test_another_schedule_is_not_gone_on_with(tmp_path):
    with written(tmp_path / "run") as writer:
        fill(writer, range(3))
    series = (*SERIES[:3], Series("count", (), (), "<i8", schedule="every(3)"))
    with pytest.raises(RunError, match=r"expected to go on with what `.*` records, got other series"):
        RunWriter(tmp_path / "run", Manifest("seed-0", series), resume=Position(2, 3))


def test_steps_that_are_not_those_of_the_schedule_are_refused(tmp_path):
    with written(tmp_path / "run") as writer:
        fill(writer)
    with h5py.File(tmp_path / "run/log.h5", "a") as file:
        file["rare.step"][1] = 8

    with pytest.raises(LogError, match=r"other steps of `rare` than its schedule `every\(7\)` says"):
        open_log(tmp_path / "run").steps  # noqa: B018 - read when asked for


def test_a_schedule_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"^expected a schedule such as `every\(100\) \| first\(1000\)` made of .*"):
        Manifest("seed-0", (Series("w", (), (), schedule="sometimes"),))


def test_a_run_without_own_schedules_stays_of_the_first_format(tmp_path):
    with RunWriter(tmp_path / "run", Manifest("seed-0", SERIES[:1])) as writer:
        writer.append(0, {"w": np.ones(3, "f4")})

    assert open_log(tmp_path / "run").manifest.format_version == 1
    with h5py.File(tmp_path / "run/log.h5") as file:
        assert file.attrs["format_version"] == 1


def test_a_torn_journal_is_read_to_its_last_whole_frame(tmp_path):
    writer = written(tmp_path / "live", flush_every=1, block_bytes=2**20)
    fill(writer, range(20))
    writer.flush()
    shutil.copytree(tmp_path / "live", tmp_path / "run")
    writer.close()
    journal = tmp_path / "run/seg-000000.wal"
    whole = journal.read_bytes()
    lengths = []
    for length in range(len(whole), 0, -37):
        write_whole(journal, whole[:length])
        log = open_log(tmp_path / "run")
        count = len(log["w"])
        lengths.append(count)
        wanted = expected(range(count))
        for name, (steps, values) in wanted.items():
            assert log[name].steps.tolist() == steps
            np.testing.assert_array_equal(log[name][:], values.reshape(len(steps), *log[name].shape[1:]))
    assert (max(lengths), min(lengths)) == (20, 0)
