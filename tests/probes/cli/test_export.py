import json

import pytest
from click.testing import CliRunner
from tests.probes.log.runs import segmented

from probes.cli import main


@pytest.fixture
def run(tmp_path):
    return segmented(tmp_path / "seed-0").path


def export(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_every_file_is_printed_with_its_size(run, tmp_path):
    result = export(run, "--to", "csv", "--out", tmp_path / "out")

    names = [f"{name}.csv" for name in ("correlations", "conv~1weight", "count", "scalars")]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.rsplit(": ")[0] for line in result.stdout.splitlines()] == [f"{tmp_path}/out/{name}" for name in names]


def test_json_says_what_each_file_holds(run, tmp_path):
    result = export(run, "--to", "netcdf", "--out", tmp_path / "one.nc", "--json")

    (row,) = json.loads(result.stdout)
    size = (tmp_path / "one.nc").stat().st_size
    holds = ["correlations", "conv/weight", "count", "scalars"]
    assert row == {"file": f"{tmp_path}/one.nc", "holds": holds, "bytes": size}


def test_one_series_may_be_chosen(run, tmp_path):
    pytest.importorskip("pyarrow")
    result = export(run, "--to", "parquet", "--out", tmp_path / "out", "--series", "conv/weight")

    assert result.exit_code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["conv~1weight.parquet"]


def test_files_are_replaced_only_if_forced(run, tmp_path):
    words = (run, "--to", "csv", "--out", tmp_path / "out", "--series", "count")
    codes = [export(*words).exit_code, export(*words).exit_code, export(*words, "--force").exit_code]

    assert codes == [0, 1, 0]


def test_an_unknown_format_is_wrong_usage(run):
    result = export(run, "--to", "excel")

    assert result.exit_code == 2
    assert "'csv', 'parquet', 'netcdf'" in result.stderr


def test_what_is_missing_is_named(run, tmp_path):
    (run / "seg-000001.h5").unlink()
    result = export(run, "--to", "csv", "--out", tmp_path / "out", "--series", "count")

    assert result.stderr == f"`{run}/seg-000001.h5` is missing, and its rows with it\n"
