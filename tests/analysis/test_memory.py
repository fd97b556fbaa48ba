"""The whole analysis of a log takes the memory of some blocks, not that of the log."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from probes.analysis import example_study
from probes.log.evaluation import write_evaluation
from probes.log.layout import SUMMARIES
from probes.log.writing.writer import RunWriter

MOST = 150 * 2**20
STEPS = {"distilled-stopped-00": 150_000, "single-00": 60_000}  # all others as they are

# Prints what the analysis added to the memory of a process that has analysed a small study before.
CHILD = """
import io, re, sys
from pathlib import Path
from probes.analysis import example_study, report
from probes.analysis.taps import summaries
from probes.log.runs import open_logs

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

report(example_study()).render(io.StringIO())
before = peak()
summaries._LEAST_WIDTH = int(sys.argv[2])
found = report(open_logs(sys.argv[1]))
found.render(io.StringIO())
print(len(found.panels), peak() - before)
"""


def record(log, folder, steps):
    """Record a run as if it had taken so many steps; return the bytes of its rows."""
    rows = np.linspace(0, len(log.steps) - 1, steps).astype(int)
    arrays = {name: np.asarray(log[name]) for name in log.series}
    with RunWriter(folder / log.manifest.run_id, log.manifest) as writer:
        for step, row in enumerate(rows):
            writer.append(step, {name: values[row] for name, values in arrays.items()})
        writer.log(0, {"loss": 1.0})
    write_evaluation(folder / log.manifest.run_id, log.evaluation)
    return steps * sum(one.row_bytes for one in log.series.values())


@pytest.mark.slow
def test_a_log_of_400_mb_is_analysed_in_150_mb(tmp_path):
    study = example_study()
    raw = sum(record(log, tmp_path, STEPS.get(log.manifest.run_id, len(log.steps))) for log in study)
    for least_width in ("16", "999999"):  # kept beside the log, and not
        words = [sys.executable, "-c", CHILD, str(tmp_path), least_width]
        panels, added = map(int, subprocess.check_output(words, cwd=Path(__file__).parents[2]).split())
        kept = (tmp_path / "single-00" / SUMMARIES).exists()

        assert panels > 20
        assert added < MOST < 400e6 < raw
        assert kept == (least_width == "16")
        (tmp_path / "single-00" / SUMMARIES).unlink(missing_ok=True)
