import numpy as np
import pytest
from tests.probes.log.runs import STEPS, arrays, manifest

from probes.log import Evaluation, StoredDirections, memory_log


def test_what_is_given_is_what_is_read():
    directions = StoredDirections(("feature",), np.eye(2))
    evaluation = Evaluation({}, {"mu": 0.5})
    log = memory_log(manifest(status="finished"), STEPS, arrays(), evaluation=evaluation, directions=directions)

    assert (log.status, log.evaluation, log.directions()) == ("finished", evaluation, directions)


def test_series_that_are_missing_are_refused():
    with pytest.raises(
        ValueError, match=r"^expected arrays \['correlations', 'conv/weight', 'count'\], got \['count'\]$"
    ):
        memory_log(manifest(), STEPS, {"count": STEPS})


def test_arrays_of_another_length_are_refused():
    message = r"^series `correlations`: expected shape \(49, 2, 3, 2, 2\), got \(50, 2, 3, 2, 2\)$"
    with pytest.raises(ValueError, match=message):
        memory_log(manifest(), STEPS[1:], arrays())
