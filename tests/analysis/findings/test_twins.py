"""What decides the winner is named where it is known, and nothing decides where nothing is shared."""

import re

import numpy as np
import pytest

from probes.analysis import Study, twins
from probes.analysis.findings.twins import COLUMNS, panel
from probes.errors import NotRecordedError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import gaussian, lottery, run_log, twin_logs


@pytest.mark.parametrize("groups", [True, False])
@pytest.mark.parametrize(("seed", "said"), [("init", "initialisation"), ("order", "order")])
def test_the_seed_that_decides_is_named(seed, said, groups):
    table = twins(twin_logs(decided_by=seed, inits=4, orders=4, groups=groups)).set_index("pair")
    shared = table.loc["same initialisation, other order" if seed == "init" else "other initialisation, same order"]
    other = table.drop(shared.name).iloc[0]

    assert (table["decided_by"].unique().tolist(), table["by"].unique().tolist()) == (
        [said],
        ["groups" if groups else "factor"],
    )
    assert shared["correlation"] > 0.8
    assert abs(other["correlation"]) < 0.1
    assert (shared["pairs"], shared["control"], shared["n"]) == (24, 72, 4)
    assert shared["agree"] > other["agree"]


def test_where_every_run_has_winners_of_its_own_nothing_decides():
    found = [twins(twin_logs(decided_by="both", seed=seed, classes=3)) for seed in range(3)]

    assert [table["decided_by"].iloc[0] for table in found].count("neither") >= 2


def test_of_gaussian_classes_nothing_decides():
    seeds = [
        twins(gaussian(runs=12, seed=seed, seeds=lambda run: {"init": run // 3, "order": run % 3})) for seed in range(4)
    ]

    assert sum((table["p_value"] <= 0.05).sum() for table in seeds) <= 2
    assert not {"initialisation", "order"} & {one for table in seeds for one in table["decided_by"]}


def test_one_sort_of_twins_leaves_it_open():
    logs = twin_logs(inits=4, orders=2)
    apart = [
        run_log(log.label, log.outputs("test"), seeds={"init": place // 2, "order": place})
        for place, log in enumerate(logs)
    ]
    table = twins(apart)

    assert (table["pair"].tolist(), table["decided_by"].tolist()) == (["same initialisation, other order"], [""])
    assert "test: open (it takes three or more initialisations with other orders" in panel(Study(apart)).caption


def test_samples_of_both_views_are_no_alternative():
    logs = twin_logs(inits=4, orders=3)
    known = np.array([["view 0", "view 1", "both"][place % 3] for place in range(len(logs[0].outputs("test").labels))])
    regrouped = [
        run_log(
            log.label,
            Outputs("test", 1, (one := log.outputs("test")).logits, one.labels, known),
            seeds=log.manifest.seeds,
        )
        for log in logs
    ]

    assert twins(regrouped)["by"].tolist() == ["groups", "groups"]


def test_runs_on_other_data_are_not_compared():
    logs = twin_logs(inits=4, orders=3)
    moved = [
        run_log(log.label, log.outputs("test"), seeds={**log.manifest.seeds, "data": place // 6})
        for place, log in enumerate(logs)
    ]

    assert twins(moved)["pairs"].sum() < twins(logs)["pairs"].sum()


def test_runs_that_are_all_the_same_are_drawn_and_decide_nothing():
    labels = np.repeat([0, 1], 20)
    logs = [
        run_log(f"run-{run}", Outputs("test", 1, np.zeros((40, 2)), labels), seeds={"init": run // 2, "order": run % 3})
        for run in range(6)
    ]
    found = panel(Study(logs))

    assert found.table["decided_by"].tolist() == ["neither", "neither"]
    assert found.element.startswith("<svg")


def test_without_twins_it_is_said_how_to_make_some():
    message = (
        "expected four members or more with outputs and labels, two of which share the seed `init` and not `order`, "
        "or the reverse, and two of which share neither, got none; train some runs twice, and record them by "
        "`Recorder(..., seeds={'init': 3, 'order': 5})`"
    )
    for logs in (lottery()[0], twin_logs(inits=1, orders=3), lottery(runs=1)[0]):
        with pytest.raises(NotRecordedError, match=f"^{re.escape(message)}$"):
            twins(logs)
    assert panel(Study(lottery()[0])) is None


def test_the_panel_says_what_decides_and_by_which_rule():
    found = panel(Study(twin_logs(inits=4, orders=3)))

    assert "test: decided by initialisation: same initialisation, other order 0.9" in found.caption
    assert "Initialisation or order decides where p <= 0.05" in found.caption
    assert set(found.table) <= {*COLUMNS, "low", "high"}
    assert found.element.startswith("<svg")
