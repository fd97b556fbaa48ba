import os
import subprocess
import sys
from pathlib import Path

import pytest


def probes(*words, stdout=subprocess.PIPE, **environment):
    command = [sys.executable, "-m", "probes", *map(str, words)]
    return subprocess.run(
        command,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "backend",
    ["module://no_such.backend", *(pytest.param(one, marks=pytest.mark.slow) for one in ("nonsense", "TkAgg"))],
)
def test_a_report_needs_no_backend(backend, tiny_root, tmp_path):
    [run] = tiny_root.glob("single-00-*")
    result = probes("analyze", run, "--out", tmp_path / "report", MPLBACKEND=backend)

    assert (result.returncode, "Traceback" in result.stderr) == (0, False)
    assert (tmp_path / "report/report.html").is_file()


def test_a_report_is_written_whole_though_nobody_reads_its_tables(tiny_root, tmp_path):
    [run] = tiny_root.glob("single-00-*")
    reading, writing = os.pipe()
    os.close(reading)
    result = probes("analyze", run, "--out", tmp_path / "report", stdout=writing)
    os.close(writing)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert (tmp_path / "report/report.html").read_text().rstrip().endswith("</html>")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["list"], ["list", "--json"]])
def test_a_full_disk_under_stdout_is_one_line(words, tiny_root):
    with Path("/dev/full").open("w") as full:
        result = probes(*words, tiny_root, stdout=full)

    assert (result.returncode, result.stderr) == (1, "probes: No space left on device\n")
