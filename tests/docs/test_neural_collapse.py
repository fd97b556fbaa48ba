import os
import subprocess
import sys

from probes import open_log
from tests.repository.sources import ROOT

SCRIPT = ROOT / "docs" / "measurements" / "neural_collapse.py"


def test_ten_lines_show_that_a_network_which_learns_collapses(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    subprocess.run([sys.executable, "-W", "error", str(SCRIPT), "10"], cwd=tmp_path, env=environment, check=True)
    log = open_log(tmp_path / "runs" / "digits")
    names = log.series["neural_collapse"].labels["measure"]
    first, *_, last = (dict(zip(names, row, strict=True)) for row in log["neural_collapse"][:])

    assert first["nc1"] > 1 > 5 * last["nc1"] > 0
    assert first["nc3"] > 5 * last["nc3"]
    assert first["nc4"] > 0.7
    assert last["nc4"] < 0.05
    assert (tmp_path / "neural_collapse.png").stat().st_size > 10_000
