"""Runs that were recorded in every released format; their files are never written again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from probes.log import open_log
from probes.log.layout import FORMAT_VERSION
from probes.log.verification.findings import faults
from probes.log.writing import Position, RunWriter
from scripts.golden import content, digest

GOLDEN = Path(__file__).parent / "golden"

# Of the files of each format, as they were when it was released: change a line here only before that.
DIGESTS = {
    "format-1": "5e1212bc2910a49f019e654f801fd193b70153bc6c5a00e8bd0ebda458915562",
    "format-2": "3440d315a4a1eb226cfc9d1243e2a1c31215aa982fce1cda40b4d960df2d2d6b",
}
RUNS = [f"{version}/{run}" for version in DIGESTS for run in ("cut-off", "packed", "resumed")]


def expected(run):
    return json.loads((GOLDEN / run).parent.joinpath("expected.json").read_text())[Path(run).name]


def test_every_format_has_golden_files():
    assert sorted(DIGESTS) == sorted(path.name for path in GOLDEN.glob("format-*"))
    assert sorted(DIGESTS) == [f"format-{version + 1}" for version in range(FORMAT_VERSION)]


@pytest.mark.parametrize("version", DIGESTS)
def test_golden_files_stay_as_they_are(version):
    assert digest(GOLDEN / version) == DIGESTS[version]


@pytest.mark.parametrize("run", RUNS)
def test_a_golden_run_is_read_as_it_was_recorded(run):
    read, wanted = content(open_log(GOLDEN / run)), expected(run)

    assert {name: read["manifest"][name] for name in wanted["manifest"]} == wanted.pop("manifest")
    assert {name: read[name] for name in wanted} == wanted


@pytest.mark.parametrize("run", RUNS)
def test_a_golden_run_keeps_every_bit(run):
    log, wanted = open_log(GOLDEN / run), expected(run)["series"]
    for name, one in log.series.items():
        values = np.array(wanted[name], one.dtype).reshape(-1, *one.shape)
        assert log[name][:].tobytes() == values.tobytes(), name


@pytest.mark.parametrize("run", RUNS)
def test_a_golden_run_goes_on(tmp_path, run):
    path = shutil.copytree(GOLDEN / run, tmp_path / "seed-0")
    log, steps = open_log(path), expected(run)["steps"]
    row = {name: log[name][log[name].steps.tolist().index(steps[4])] for name in log.series}
    options = {"directions": {"correlations": log.directions("correlations")}, "resume": Position(steps[3], 4)}
    with RunWriter(path, log.manifest, **options) as writer:
        writer.append(steps[4], row)

    assert open_log(path).steps.tolist() == steps[:5]
    assert list(faults(path)) == []
