import subprocess
import sys

import numpy as np
import pytest

from probes.log import open_log

KILLED = """
import sys
import numpy as np
from probes.log.writing import RunWriter
from tests.probes.log.runs import manifest, SHAPE
writer = RunWriter(sys.argv[1], manifest(), block_bytes=50_000, flush_every=4)
step = 0
while True:
    row = {"correlations": np.full(SHAPE, step, "f4"), "conv/weight": np.full(5, step), "count": np.array(step)}
    writer.append(step, row)
    writer.log(step, {"loss": step})
    step += 1
    if step % 100 == 0:
        print(step, flush=True)
"""


@pytest.mark.parametrize("hundreds", [1, 10])
def test_a_killed_run_is_read_to_its_last_flush(tmp_path, hundreds):
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "seed-0"], stdout=subprocess.PIPE)
    for _ in range(hundreds):
        seen = int(process.stdout.readline())
    alive = open_log(tmp_path / "seed-0")
    assert (alive.status, alive.faults) == ("recording", ())
    process.kill()
    process.communicate()
    log = alive.refresh()

    assert (log.status, log.manifest.status) == ("stopped", "recording")
    assert len(log.steps) >= seen - 3
    np.testing.assert_array_equal(log.steps, np.arange(len(log.steps)))
    np.testing.assert_array_equal(log["correlations"][:, 1, 2, 1, 0], log.steps)
    assert log.scalars()["loss"].tolist() == log.steps[: len(log.scalars())].tolist()
    assert len(log.scalars()) >= len(log.steps) - 4
