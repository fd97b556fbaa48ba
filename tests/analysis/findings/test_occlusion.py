"""The cells that calls rest on are found where they are known, and none where cells are exchangeable."""

import re

import numpy as np
import pytest
from scipy import stats

from probes.analysis import Study, occlusion
from probes.analysis.factors.gaussian import gaussian_drops
from probes.analysis.findings.occlusion import COLUMNS, panel
from probes.errors import LogError, NotRecordedError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_occlusions import CELLS, fixed, logs_of, occluded_outputs, racing
from tests.analysis.findings.made_outputs import run_log


def test_the_cell_that_all_samples_rest_on_is_found_alone():
    table = occlusion(fixed(cell=2))

    assert (table["rests"] == (table["cell"] == "2")).all()
    assert len(table) == 3 * 2 * len(CELLS)
    assert (table.query("cell == '2'")["largest"] > 0.4).all()


def test_drops_and_intervals_are_those_of_the_definitions():
    drops, labels, _ = racing(runs=1)
    row = occlusion(logs_of(drops, labels)).query("`class` == 1 and cell == '4'").iloc[0]
    mine = drops[0, labels == 1][:, 4]
    low, high = stats.t.interval(0.95, len(mine) - 1, loc=mine.mean(), scale=stats.sem(mine))

    assert row[["drop", "low", "high"]].tolist() == pytest.approx([mine.mean(), low, high], rel=1e-5)
    assert row["largest"] == np.mean(drops[0, labels == 1].argmax(axis=1) == 4)


def test_of_gaussian_classes_whose_cells_are_exchangeable_calls_rest_on_none_but_at_the_stated_rate():
    drops, labels = gaussian_drops(10, 4, 30, len(CELLS), seed=3)
    order = np.random.default_rng(0).permuted(np.tile(np.arange(len(CELLS)), (10, len(labels), 1)), axis=2)
    table = occlusion(logs_of(np.take_along_axis(drops, order, axis=2), labels))

    assert table.groupby(["run", "class"])["rests"].any().mean() <= 0.1  # of 40, where 0.05 is the rate


def test_where_covering_costs_nothing_calls_rest_on_no_cell():
    labels = np.repeat([0, 1], 10)
    logs = logs_of(np.zeros((3, 20, len(CELLS))), labels)

    assert not occlusion(logs)["rests"].any()
    assert panel(Study(logs)).element.startswith("<svg")


def test_rows_in_another_order_and_without_ids_are_matched():
    drops, labels, _ = racing(runs=2)
    straight = occlusion(logs_of(drops, labels))["drop"].to_numpy()
    order = np.random.default_rng(0).permutation(len(labels) * (1 + len(CELLS)))
    mixed = [
        run_log("run-0", occluded_outputs(drops[0], labels)),
        run_log("run-1", occluded_outputs(drops[1], labels, order=order)),
    ]

    assert occlusion(mixed)["drop"].to_numpy() == pytest.approx(straight)
    assert occlusion(logs_of(drops, labels, ids=False))["drop"].to_numpy() == pytest.approx(straight)


def test_probabilities_of_two_classes_have_the_same_margins():
    drops, labels, _ = racing(runs=1, classes=2)
    logs = logs_of(drops, labels, probabilities=True)

    assert occlusion(logs)["drop"].to_numpy() == pytest.approx(occlusion(logs_of(drops, labels))["drop"], abs=1e-4)
    assert "Outputs `occluded` of all runs are probabilities" in panel(Study(logs)).caption


def test_without_covered_cells_it_is_said_what_to_record():
    message = (
        "expected outputs `occluded`, got none; store those of every sample with each cell of the image covered and "
        "with none: `recorder.outputs('occluded', logits, labels=..., groups=cells, ids=...)`, where `groups` has the "
        "name of the cell, or `none`, and `ids` are as `17/left`"
    )
    with pytest.raises(NotRecordedError, match=f"^{re.escape(message)}$"):
        occlusion(run_log("a"))
    assert panel(Study(run_log("a"))) is None


def test_missing_rows_labels_and_samples_are_refused():
    drops, labels, _ = racing(runs=1, classes=2, samples=10)
    whole = occluded_outputs(drops[0], labels)
    short = Outputs("occluded", 1, whole.logits[:-1], whole.labels[:-1], whole.groups[:-1], whole.ids[:-1])
    bare = Outputs("occluded", 1, whole.logits, None, whole.groups, whole.ids)
    other = Outputs("occluded", 1, whole.logits, np.arange(len(whole.logits)) % 2, whole.groups, whole.ids)
    few = occluded_outputs(drops[0, 6:14], labels[6:14])
    messages = {
        "expected outputs `occluded` with a row for every sample and cell, and one with `none`, got 20 of `none`, 20 "
        "of `0`, 20 of `1`, 20 of `2` or others' samples; store all of them": short,
        "expected outputs `occluded` of two classes or more, with labels and groups, got some without; store the name "
        "of the covered cell as `groups`, `none` for the whole image": bare,
        "expected outputs `occluded` with a row for every sample and cell, and one with `none`, got labels of one "
        "sample that differ; store all of them": other,
        "expected a class with 8 samples in outputs `occluded`, got 4 at most; cover the cells of more samples": few,
    }
    for message, outputs in messages.items():
        with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
            occlusion(run_log("a", outputs))


def test_the_panel_states_the_rule_and_draws_one_run():
    found = panel(Study(fixed(runs=1)))

    assert "A call rests on 1 of 6 cells, mean over 2 runs and classes (0% rest on none)" in found.caption
    assert "A call rests on a cell where p <= 0.05" in found.caption
    assert {*found.table} == {*COLUMNS, "run", "role", "variant", "low", "high"}
    assert found.element.startswith("<svg")
