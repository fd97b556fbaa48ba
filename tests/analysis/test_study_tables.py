"""A study computes each table once, and nobody can change it for the others."""

import numpy as np
import pytest

from probes.analysis import Study, finding, learned
from tests.analysis.general import grown


@pytest.fixture
def counted():
    calls = []

    @finding
    def counting(study, tap=None, *, steps=None):
        calls.append((tap, steps))
        return learned.__wrapped__(study, tap)

    counting.calls = calls
    return counting


def test_a_table_is_computed_once(counted):
    study = Study(grown([0]))
    for _ in range(2):
        counted(study), counted(study, "w"), counted(study, tap="w"), counted(study, steps=None)

    assert counted.calls == [("w", None)]


def test_a_table_of_other_options_is_another_one(counted):
    study = Study(grown([0]))
    for steps in ([0, 1], (0, 1), np.array([0, 1]), {1, 0}, range(2), [1]):
        counted(study, steps=steps)

    assert len(counted.calls) == 2


def test_a_table_can_be_changed_without_harm():
    study = Study(grown([0]))
    first = study.learned()
    expected = first.copy()
    first["learned"] = None
    first.loc[0, "peak"] = -1.0
    first.attrs["rule"] = "none"

    assert study.learned().equals(expected)
    assert study.learned().attrs == expected.attrs
