"""NC1 to NC4 as tables and figures."""

import re

import numpy as np
import pytest

from probes.analysis import Study, neural_collapse, neural_collapse_ends
from probes.analysis.findings.neural_collapse import PANELS
from probes.errors import LogError
from tests.analysis.findings.test_quantities import measured, random

MEASURES = ("nc1", "nc2_norms_of_means", "nc4")
FACTS = {"quantity": "neural_collapse", "labels": {"measure": MEASURES}}


def collapsed(run="a", values=None, name="neural_collapse"):
    values = np.abs(random(5, 3)) if values is None else values
    return measured(run, **{name: (("measure",), values, FACTS)})


def test_each_measure_has_a_row_at_each_step():
    values = random(5, 3)
    table = neural_collapse(collapsed(values=values))

    expected = [[step, name, values[step, place]] for step in range(5) for place, name in enumerate(MEASURES)]
    assert table[["step", "measure", "value"]].values.tolist() == expected


def test_batches_are_told_apart_by_their_names():
    logs = [collapsed("a"), collapsed("b", name="neural_collapse.held-out")]

    assert neural_collapse(logs).groupby("run")["batch"].first().to_dict() == {"a": "", "b": "held-out"}


def test_the_ends_are_the_first_and_the_last_value_and_the_smallest():
    values = np.array([[9.0, 1, 0], [3, 2, 0], [1, 3, 0], [2, 4, 0], [4, 5, 0]])
    table = neural_collapse_ends(collapsed(values=values)).set_index("measure")

    assert table[["first_step", "last_step"]].values.tolist() == [[0, 4]] * 3
    assert table[["first", "last", "smallest"]].values.tolist() == [[9, 4, 1], [1, 5, 1], [0, 0, 0]]


def test_every_measure_is_drawn_by_itself_and_the_ends_are_said():
    values = np.array([[4.0, 1, np.nan]] * 4 + [[0.5, 2, np.nan]])
    drawn, ends = (build(Study([collapsed("a", values), collapsed("b", values)])) for build in PANELS)

    assert drawn.element.startswith("<svg")
    titles = [ax.get_title() for ax in drawn.figure.axes if ax.get_title()]
    assert titles == ["NC1", "NC2 norms of means", "NC4"]
    assert drawn.caption.endswith("medians over runs: NC1 4 to 0.5, NC2 norms of means 1 to 2.")
    assert ends.caption == "The measures of 2 runs at their first and last step, 4."


def test_without_it_it_is_said_how_to_record_it_and_nothing_is_drawn():
    message = (
        "expected NC1 to NC4 recorded with the runs, got none; record them by "
        "`probes.quantities.neural_collapse(layer, batch)`"
    )
    log = measured(v=((), random(5)))

    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        neural_collapse(log)
    assert [build(Study(log)) for build in PANELS] == [None, None]
