"""Files from strangers are refused before any data is read, each in one line."""

import json
import sys

import h5py
import numpy as np
import pytest
from tests.probes.log.runs import arrays, closed, segmented, signed

from probes.errors import LogError, RunError
from probes.log import open_log

ADVICE = "move it away, or copy the run anew"
INTACT = "expected an intact HDF5 file of a run, got"


@pytest.fixture
def path(tmp_path):
    return closed(tmp_path / "seed-0").path


def replaced(file, name="correlations", **options):
    """The dataset made anew with other properties."""
    values = file[name][:]
    del file[name]
    file.create_dataset(name, **({"data": values} | options))


def refusal(path, file="log.h5"):
    """What opening and reading the run is refused with."""
    with pytest.raises(LogError) as error:
        np.asarray(open_log(path)["correlations"])
    text = str(error.value)
    assert text.startswith(f"refused `{path / file}`: ")
    assert "\n" not in text
    return text.removeprefix(f"refused `{path / file}`: ")


def external_link(file):
    del file["correlations"]
    file["correlations"] = h5py.ExternalLink("/etc/passwd", "x")


def soft_link(file):
    del file["correlations"]
    file["correlations"] = h5py.SoftLink("/count")


def virtual(file):
    layout = h5py.VirtualLayout(file["correlations"].shape, "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", file["correlations"].shape)
    del file["correlations"]
    file.create_virtual_dataset("correlations", layout)


def external_data(file):
    replaced(file, data=None, shape=(50, 2, 3, 2, 2), dtype="<f4", external=[("/etc/passwd", 0, 4800)])


def objects(file):
    replaced(file, data=None, shape=(50, 2, 3, 2, 2), dtype=h5py.vlen_dtype(np.float32))


def huge(file):
    replaced(file, data=None, shape=(50, 2, 3, 2, 2), dtype="<f4", chunks=(50, 2, 3, 2, 2), fillvalue=1)


def huge_steps(file):
    del file["step"]
    file.create_dataset("step", (2**40,), "<i8", chunks=(2**20,))


def large_chunks(file):
    del file["step"]
    file.create_dataset("step", (2**24,), "<i8", chunks=(2**24,))


def a_group(file):
    del file["correlations"]
    file.create_group("correlations")


def a_stranger(file):
    file["passwords"] = [1.0]


def a_strange_scalar(file):
    file["scalars/error/more"] = [1.0]


def scalars_elsewhere(file):
    file["scalars/more"] = h5py.ExternalLink("/etc/passwd", "x")


def vlen_text(file):
    file.attrs["run_id"] = "seed-0"


HOSTILE = {
    external_link: "`correlations`, a link to elsewhere",
    soft_link: "`correlations`, a link to elsewhere",
    scalars_elsewhere: "`more`, a link to elsewhere",
    a_stranger: "`passwords`, which does not belong there",
    a_strange_scalar: "`more`, which does not belong there",
    virtual: "data of other files, virtual, in `/correlations`",
    external_data: "data of other files, external, in `/correlations`",
    objects: "dtype object in `/correlations`",
    a_group: "no dataset in `/correlations`",
    huge: "4800 bytes made of 0 in `/correlations`",
    huge_steps: "8796093022208 bytes made of 0 in `/step`",
    large_chunks: "chunks of 134217728 bytes in `/step`",
    vlen_text: "dtype object in attribute `run_id`",
    (lambda file: replaced(file, dtype="<f8")): "dtype float64 in `/correlations`",
    (lambda file: replaced(file, dtype=">f4")): "dtype >f4 in `/correlations`",
    (lambda file: replaced(file, data=np.zeros((50, 2, 3, 4), "f4"))): "shape (50, 2, 3, 4) in `/correlations`",
    (lambda file: replaced(file, data=np.zeros((49, 2, 3, 2, 2), "f4"))): "shape (49, 2, 3, 2, 2) in `/correlations`",
    (lambda file: replaced(file, chunks=True, scaleoffset=3)): "filters [6] in `/correlations`",
    (lambda file: file.attrs.modify("run_id", np.bytes_("seed-1"))): "rows of run `seed-1`, not of `seed-0`",
    (lambda file: file.attrs.__delitem__("run_id")): "'run_id'",
}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: HOSTILE[change])
def test_a_hostile_file_is_refused(path, change):
    with h5py.File(path / "log.h5", "a") as file:
        change(file)

    assert refusal(path) == f"{INTACT} {HOSTILE[change]}; {ADVICE}"


def test_more_scalars_than_fit_in_memory_are_refused(path):
    rows = 2**23
    with h5py.File(path / "log.h5", "a") as file:
        for number in range(9):
            for name, dtype in (("step", "<i8"), ("value", "<f8")):
                options = {"chunks": (rows,), "compression": "gzip"}
                dataset = file.create_dataset(f"scalars/{number}/{name}", (rows,), dtype, **options)
                dataset.id.write_direct_chunk((0,), bytes(100_000))

    assert f"{INTACT} 1207959680 bytes made of 18" in refusal(path)


def test_a_newer_format_is_refused(path):
    with h5py.File(path / "log.h5", "a") as file:
        file.attrs["format_version"] = 3

    assert refusal(path) == "expected format 1 to 2, got 3; read it with a newer feature-probes"


def test_a_file_of_another_kind_is_refused(path):
    (path / "log.h5").write_bytes(b"PK\x03\x04" + bytes(5000))

    assert "file signature not found" in refusal(path)


def test_a_linked_file_is_refused(path):
    (path / "log.h5").rename(path / "elsewhere")
    (path / "log.h5").symlink_to(path / "elsewhere")

    assert (
        refusal(path) == "expected a plain file, got a link; copy the run with `cp -rL`, which takes what links lead to"
    )


def test_a_linked_segment_is_refused(path):
    (path / "log.h5").rename(path / "elsewhere")
    (path / "seg-000000.h5").symlink_to(path / "elsewhere")

    assert (
        refusal(path, "seg-000000.h5")
        == "expected a plain file, got a link; copy the run with `cp -rL`, which takes what links lead to"
    )


def test_a_file_replaced_by_another_of_fewer_rows_is_refused(path):
    view = open_log(path)["correlations"]
    assert len(view) == 50
    with h5py.File(path / "log.h5", "a") as file:
        replaced(file, data=np.zeros((49, 2, 3, 2, 2), "f4"))
    with pytest.raises(LogError, match=r"got shape \(49, 2, 3, 2, 2\) in `/correlations`"):
        view[:]


def test_blosc2_without_its_package_says_what_to_install(path, monkeypatch):
    with h5py.File(path / "log.h5", "a") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((50, 2, 3, 2, 2))
        plan.set_filter(32026, h5py.h5z.FLAG_OPTIONAL)
        values, space = file["correlations"][:], file["correlations"].id.get_space()
        del file["correlations"]
        h5py.h5d.create(file.id, b"correlations", h5py.h5t.IEEE_F32LE, space, plan).write(space, space, values)
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)

    assert refusal(path) == "expected hdf5plugin, which reads blosc2, got none; pip install feature-probes[fast]"


def test_a_missing_segment_is_named(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    (path / "seg-000001.h5").unlink()
    log = open_log(path)

    assert log.faults == (f"`{path / 'seg-000001.h5'}` is missing, and its rows with it",)
    assert len(log.steps) == 50 - 12
    np.testing.assert_array_equal(log["correlations"][12:], arrays()["correlations"][24:])


def test_a_missing_last_segment_is_named(tmp_path):
    path = segmented(tmp_path / "seed-0").path
    (path / "seg-000004.h5").unlink()

    assert open_log(path).faults == (f"`{path / 'seg-000004.h5'}` is missing, and its rows with it",)


def test_a_number_far_off_is_refused_before_it_is_counted_to(path):
    (path / "log.h5").rename(path / "seg-999999.h5")

    assert refusal(path, "seg-999999.h5") == f"expected about 1 segments, got one of that number; {ADVICE}"


def test_a_missing_log_of_a_finished_run_is_named(path):
    (path / "log.h5").unlink()

    assert open_log(path).faults == (f"`{path / 'log.h5'}` is missing, and its rows with it",)


MANIFESTS = {
    "run_id `../x`": (
        {"run_id": "../x"},
        "ValueError: expected `run_id` of letters, digits, `.`, `_` and `-`, got '../x'",
    ),
    "run_id `..`": ({"run_id": ".."}, "ValueError: expected `run_id` of letters, digits, `.`, `_` and `-`, got '..'"),
    "run_id 7": ({"run_id": 7}, "TypeError: expected `run_id` to be a str, got 7"),
    "no series": ({"series": None}, "TypeError: expected `series` to be a tuple, got None"),
    "series 7": ({"series": [7]}, "TypeError: 'int' object is not subscriptable"),
    "seeds": ({"seeds": [1]}, "TypeError: expected `seeds` to be a dict, got [1]"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_hostile_manifest_is_refused(path, case):
    change, reason = MANIFESTS[case]
    file = path / "run.json"
    file.write_text(signed(json.dumps(json.loads(file.read_text()) | change)))

    assert refusal(path, "run.json") == f"expected a run's description, got {reason}; {ADVICE}"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, '{"format_version": 1}', "\xff"], ids=lambda text: text[:9]
)
def test_a_manifest_that_is_none_is_refused(path, text):
    (path / "run.json").write_text(text, encoding="latin-1")

    assert refusal(path, "run.json").startswith("expected a run's description, got ")


def test_a_manifest_of_a_newer_format_is_refused(path):
    file = path / "run.json"
    file.write_text(file.read_text().replace('"format_version": 1', '"format_version": 3'))

    assert refusal(path, "run.json") == "expected format 1 to 2, got 3; read it with a newer feature-probes"


def test_a_row_too_large_to_be_read_at_once_is_refused(path):
    file = path / "run.json"
    file.write_text(signed(file.read_text().replace('"shape": [\n        5', f'"shape": [\n        {2**40}')))

    assert "expected at most 536870912 bytes a step, got 8796093022208" in refusal(path, "run.json")


def test_a_run_that_is_a_file_is_no_run(path):
    with pytest.raises(RunError, match=r"^expected a run's folder, or a file that `probes pack` made, got `"):
        open_log(path / "log.h5")


def test_attributes_that_users_add_are_passed_over(path):
    with h5py.File(path / "log.h5", "a") as file:
        file.attrs["note"] = "mine"
        file.attrs["nothing"] = h5py.Empty("f4")
        file["correlations"].attrs["note"] = "mine"
    log = open_log(path)

    assert (len(log.steps) > 0, log.faults) == (True, ())
    assert np.isfinite(log["correlations"][:]).all()
