"""Distributed training with two processes on this machine."""

import pytest

from probes.log import open_log
from tests.probes.compat import ranks


@pytest.mark.situation("ZeroRedundancyOptimizer, two processes", "works")
@pytest.mark.situation("names of a compiled model inside DistributedDataParallel", "works")
def test_two_processes(tmp_path):
    ranks.start(tmp_path)

    assert [open_log(tmp_path / name).steps.tolist() for name in ("sharded", "compiled")] == [[0, 1, 2, 3, 4]] * 2
