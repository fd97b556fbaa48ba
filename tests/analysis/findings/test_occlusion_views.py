"""Runs that rest on different cells are found where they are known, and not on Gaussian classes."""

import re

import numpy as np
import pytest

from probes.analysis import Study, occlusion_preferences, occlusion_views
from probes.analysis.factors.gaussian import gaussian_drops
from probes.analysis.findings.occlusion_views import COLUMNS, panel
from probes.errors import LogError
from tests.analysis.findings.made_occlusions import CELLS, fixed, logs_of, racing
from tests.analysis.findings.made_outputs import run_log


@pytest.fixture(scope="module")
def made():
    drops, labels, won = racing()
    return logs_of(drops, labels), won


def test_runs_that_prefer_different_views_are_found_in_every_class(made):
    table = occlusion_views(made[0])

    assert table["found"].all()
    assert (table["reliability_low"] > table["reliability_gaussian"]).all()
    assert (table["share_shuffled"] < table["share_low"]).all()
    assert table[["members", "n"]].to_numpy().tolist() == 3 * [[8, 40]]


def test_preferences_are_those_that_won(made):
    wide = occlusion_preferences(made[0]).pivot(index="run", columns="class", values="preference").to_numpy()

    assert all(abs(np.corrcoef(wide[:, one], made[1][:, one])[0, 1]) > 0.95 for one in range(3))


def test_of_gaussian_classes_at_most_one_in_twenty_is_found():
    found = []
    for seed in (1, 2):
        drops, labels = gaussian_drops(8, 10, 40, len(CELLS), seed=seed)
        found += occlusion_views(logs_of(drops, labels))["found"].tolist()

    assert np.mean(found) <= 0.05


def test_runs_that_all_rest_on_the_same_cell_do_not_differ():
    assert not occlusion_views(fixed(runs=6))["found"].any()


def test_few_members_are_judged_by_the_share_and_two_are_refused(made):
    drops, labels, _ = racing(runs=4, noise=0.3, seed=5)
    assert occlusion_views(logs_of(drops, labels))["found"].any()

    message = "expected outputs `occluded` of 3 or more members, runs without parents, got 2; record more runs"
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        occlusion_views(made[0][:2])


def test_the_panel_states_the_rule(made):
    found = panel(Study(made[0]))
    names = {re.sub("_(low|high|shuffled|gaussian)$", "", name) for name in found.table}

    assert (
        "In 3 of 3 classes runs rest on different cells. Runs differ in the cells they rest on where" in found.caption
    )
    assert names == {*COLUMNS} - {"preference"}
    assert found.element.startswith("<svg")
    assert panel(Study(run_log("a"))) is None
