import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from tests.probes.log.runs import FORMS, STEPS, arrays, segmented

from probes.cli import main


def pack(*words):
    return CliRunner().invoke(main, ["pack", *map(str, words)])


@pytest.mark.parametrize("form", ["one block", "segmented", "resumed", "live"])
def test_a_run_becomes_one_file_whose_size_is_printed(tmp_path, form):
    log, one = FORMS[form](tmp_path / "seed-0"), tmp_path / "one.h5"
    result = pack(log.path, one)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{one}: {one.stat().st_size / 1000:.3g} kB\n"
    with h5py.File(one) as file:
        np.testing.assert_array_equal(file["step"], STEPS)
        np.testing.assert_array_equal(file["correlations"], arrays()["correlations"])
    if hasattr(log, "writer"):
        log.writer.close()


def test_a_file_is_replaced_only_if_forced(tmp_path):
    run, one = segmented(tmp_path / "seed-0").path, tmp_path / "one.h5"
    one.write_text("mine")
    result = pack(run, one)

    line = f"probes: expected nothing at `{one}`, got a file; name another, or overwrite it (--force)\n"
    assert (result.exit_code, result.stderr, one.read_text()) == (1, line, "mine")
    assert pack(run, one, "--force").exit_code == 0
    assert h5py.is_hdf5(one)


def test_what_is_missing_is_named_and_the_rest_packed(tmp_path):
    log = segmented(tmp_path / "seed-0")
    (log.path / "seg-000001.h5").unlink()
    result = pack(log.path, tmp_path / "one.h5")

    assert result.exit_code == 0
    assert result.stderr == f"`{log.path}/seg-000001.h5` is missing, and its rows with it\n"


def test_a_run_that_cannot_be_read_leaves_no_file(tmp_path):
    log = segmented(tmp_path / "seed-0")
    (log.path / "seg-000001.h5").write_bytes(b"no HDF5")
    result = pack(log.path, tmp_path / "one.h5")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["seed-0"]
