"""Ranks of weights from recorded singular values, or as they were recorded."""

import math
import re

import numpy as np
import pytest

from probes.analysis import Study, spectrum
from probes.analysis.findings.spectrum import panel
from probes.errors import LogError
from tests.analysis.findings.test_quantities import measured, random

WHOLE, RANK = {"quantity": "spectrum"}, {"quantity": "rank"}


def slow_effective(values):
    total = sum(values)
    return math.prod((value / total) ** -(value / total) for value in values if value > 0)


def slow_stable(values):
    return sum(value * value for value in values) / max(values) ** 2


def test_ranks_follow_from_the_singular_values():
    values = np.sort(np.abs(random(5, 4)))[:, ::-1]
    table = spectrum(measured(**{"0.weight.spectrum": (("rank",), values, WHOLE)}))

    assert table[["run", "weight", "step", "values"]].values.tolist() == [
        ["a", "0.weight", step, 4] for step in range(5)
    ]
    assert table["effective_rank"].tolist() == pytest.approx([slow_effective(row) for row in values])
    assert table["stable_rank"].tolist() == pytest.approx([slow_stable(row) for row in values])


def test_a_weight_of_zeros_has_rank_0_and_an_identity_its_dim():
    values = np.array([[0.0] * 3, [2.0] * 3])
    table = spectrum(measured(steps=2, **{"w.spectrum": (("rank",), values, WHOLE)}))

    assert table["effective_rank"].tolist() == pytest.approx([0, 3])
    assert table["stable_rank"].tolist() == pytest.approx([0, 3])


def test_every_entry_of_leading_axes_has_ranks_of_its_own():
    values = np.abs(random(5, 2, 3))
    table = spectrum(measured(**{"w.spectrum": (("head", "rank"), values, WHOLE)}))

    assert table["head"].tolist() == [0] * 5 + [1] * 5
    expected = [slow_stable(values[step, head]) for head in range(2) for step in range(5)]
    assert table["stable_rank"].tolist() == pytest.approx(expected)


def test_a_rank_that_was_recorded_stands_before_that_of_the_largest_values():
    kept = {"w.spectrum": (("rank",), np.ones((5, 2)), WHOLE), "w.effective_rank": ((), np.full(5, 9.5), RANK)}
    table = spectrum(measured(**kept))

    assert table["effective_rank"].tolist() == [9.5] * 5
    assert table["stable_rank"].tolist() == [2] * 5
    assert table["values"].tolist() == [2] * 5


def test_a_rank_alone_has_a_table_too():
    table = spectrum(measured(**{"w.stable_rank": ((), np.arange(5.0), RANK)}))

    assert table["stable_rank"].tolist() == [0, 1, 2, 3, 4]
    assert table[["values", "effective_rank"]].isna().all(axis=None)


def test_both_ranks_of_every_weight_are_drawn_with_what_they_begin_and_end_with():
    values = np.array([[1.0, 1.0], [1.0, 0.0]])
    logs = [measured(run, steps=2, **{"w.spectrum": (("rank",), values, WHOLE)}) for run in "ab"]
    found = panel(Study(logs))

    assert found.element.startswith("<svg")
    assert [ax.get_title() for ax in found.figure.axes] == ["w: effective rank", "w: stable rank"]
    assert found.caption.endswith("w (2 singular values): effective rank 2 to 1, stable rank 2 to 1.")


def test_a_rank_alone_and_many_weights_are_drawn():
    ranks = {f"{name}.stable_rank": ((), np.arange(5.0), RANK) for name in "abcdefgh"}
    found = panel(Study(measured(**ranks)))

    assert found.element.startswith("<svg")
    assert found.caption.endswith("f: stable rank 0 to 4. 2 more weights are in the table.")


def test_without_a_spectrum_it_is_said_how_to_record_it_and_nothing_is_drawn():
    message = "expected singular values of a weight, got none; record them by `probes.quantities.spectrum(name)`"
    log = measured(v=((), random(5)))

    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        spectrum(log)
    assert panel(Study(log)) is None
