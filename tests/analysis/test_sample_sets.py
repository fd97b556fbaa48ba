"""Evaluation sets of a study: the same samples in all runs, or none."""

import re

import numpy as np
import pytest

from probes.analysis import Study, outputs
from probes.analysis.sample_sets import sample_sets
from probes.errors import LogError
from tests.analysis.findings.test_outputs import GROUPS, LABELS, SAMPLES, run_of

IDS = np.arange(SAMPLES)


@pytest.mark.parametrize(
    ("first", "other", "got"),
    [
        ({}, {"labels": LABELS[::-1].copy()}, "other labels"),
        ({"ids": IDS}, {"ids": IDS + 1}, "other ids"),
        ({"ids": IDS}, {"ids": IDS[::-1].copy()}, "other ids"),
        ({"groups": GROUPS}, {"groups": GROUPS[::-1].copy()}, "other groups"),
        ({}, {"logits": np.zeros((SAMPLES, 5))}, "another shape, (12, 5) and not (12, 3),"),
        ({"labels": None}, {"logits": np.zeros((4, 3)), "labels": None}, "another shape, (4, 3) and not (12, 3),"),
    ],
)
def test_outputs_of_other_samples_are_refused(first, other, got):
    message = (
        f"expected outputs `test` of the same samples in the same order in all runs, got {got} in run `b` than in run "
        "`a`; evaluate all runs on one set, or store them under different names"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        sample_sets(Study([run_of(0, "a", **first), run_of(1, "b", **other)]))


def test_ids_that_the_first_run_lacks_are_compared_too():
    logs = [run_of(0, "a"), run_of(1, "b", ids=IDS), run_of(2, "c", ids=IDS + 1)]
    with pytest.raises(LogError, match=r"got other ids in run `c` than in run `b`; "):
        outputs(logs)
