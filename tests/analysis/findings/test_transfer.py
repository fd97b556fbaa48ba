"""Gains of students are paired by initialisation, and only those over class means speak for the teacher."""

import re
from itertools import product

import numpy as np
import pytest
from scipy import stats

from probes.analysis import Study, transfer
from probes.analysis.findings.transfer import COLUMNS, panel
from probes.errors import NotRecordedError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import gaussian, lottery, run_log, taught_logs

ARMS = {"untaught": 0.30, "class_mean": 0.26, "ensemble": 0.20}


def errors_of(logs, role):
    """Share of samples that each run of a role has wrong, by initialisation."""
    found = {}
    for log in logs:
        one = log.outputs("test")
        wrong = [max(np.delete(row, label)) >= row[label] for row, label in zip(one.logits, one.labels, strict=True)]
        found |= {log.manifest.seeds["init"]: np.mean(wrong)} if log.manifest.role == role else {}
    return found


@pytest.mark.parametrize(("taught", "control"), [("ensemble", "class_mean"), ("ensemble", "untaught")])
def test_a_gain_is_the_mean_of_differences_of_pairs(taught, control):
    logs = taught_logs(ARMS)
    row = transfer(logs).set_index(["taught", "control"]).loc[(taught.replace("_", " "), control.replace("_", " "))]
    mine, its = errors_of(logs, taught), errors_of(logs, control)
    apart = np.array([its[init] - mine[init] for init in mine])
    low, high = stats.t.interval(0.95, 7, loc=apart.mean(), scale=stats.sem(apart))
    flipped = [np.mean(apart * signs) for signs in product((1, -1), repeat=8)]

    assert (row["gain"], row["low"], row["high"]) == pytest.approx((apart.mean(), low, high))
    assert row["p_value"] == np.mean(np.array(flipped) >= apart.mean() - 1e-12)
    assert (row["null_low"], row["null_high"]) == pytest.approx(tuple(np.quantile(flipped, [0.025, 0.975])))
    assert (row["n"], row["shown"]) == (8, True)


def test_the_share_of_the_gap_is_that_to_the_teachers_ensemble():
    logs = taught_logs(ARMS, teachers=0.1)
    row = transfer(logs).query("taught == 'ensemble' and control == 'untaught'").iloc[0]

    assert row["closed"] == pytest.approx(row["gain"] / (row["control_error"] - 0.1), abs=0.01)


def test_a_teacher_that_teaches_no_more_than_class_means_is_not_shown():
    found = [transfer(taught_logs({**ARMS, "ensemble": 0.26}, seed=seed)) for seed in range(20)]
    over = [table.query("taught == 'ensemble' and control == 'class mean'").iloc[0] for table in found]
    untaught = [table.query("taught == 'ensemble' and control == 'untaught'").iloc[0] for table in found]

    assert np.mean([row["shown"] for row in over]) <= 0.15
    assert np.mean([row["p_value"] <= 0.05 for row in over]) <= 0.2
    assert np.mean([row["shown"] for row in untaught]) > 0.8


def test_on_gaussian_classes_students_that_are_as_others_gain_nothing():
    logs = gaussian(runs=12, classes=3)
    kinds = [("untaught", ()), ("class_mean", ("a", "b")), ("ensemble", ("a", "b"))]
    runs = [
        run_log(
            f"r{place}",
            log.outputs("test"),
            role=kinds[place % 3][0],
            parents=kinds[place % 3][1],
            seeds={"init": place // 3},
        )
        for place, log in enumerate(logs)
    ]

    assert not transfer(runs)["shown"].any()


def test_runs_without_names_are_told_apart_by_their_parents():
    named = {"untaught": "single", "ensemble": "distilled"}
    logs = [
        run_log(
            log.label,
            log.outputs("test"),
            role=named[log.manifest.role],
            parents=log.manifest.parents,
            seeds=log.manifest.seeds,
        )
        for log in taught_logs({"untaught": 0.3, "ensemble": 0.2})
        if log.manifest.role in named
    ]
    table = transfer(logs)

    assert table[["taught", "control"]].to_numpy().tolist() == [["ensemble", "untaught"]]
    assert "No runs taught by class means share an initialisation: train some" in panel(Study(logs)).caption


def test_settings_are_compared_with_their_own_control():
    logs = taught_logs({
        "untaught": 0.3,
        ("ensemble", "T2"): 0.2,
        ("class_mean", "T2"): 0.25,
        ("class_mean", "T16"): 0.2,
    })
    table = transfer(logs)

    assert table[["taught", "setting", "control"]].to_numpy().tolist() == [
        ["ensemble", "T2", "untaught"],
        ["ensemble", "T2", "class mean"],
        ["class mean", "T2", "untaught"],
        ["class mean", "T16", "untaught"],
    ]


def test_runs_of_other_data_are_no_pairs():
    def moves(manifest):
        return manifest.role == "ensemble" and manifest.seeds["init"] > 2

    logs = taught_logs({"untaught": 0.3, "ensemble": 0.2})
    moved = [
        run_log(log.label, log.outputs("test"), role=log.manifest.role, parents=log.manifest.parents,
                seeds={"data": 0, **log.manifest.seeds} | ({"data": 1} if moves(log.manifest) else {}))
        for log in logs
    ]  # fmt: skip

    assert transfer(moved)["n"].tolist() == [3]


def test_the_figure_shows_samples_of_one_view_where_groups_are_known():
    logs = taught_logs(ARMS)
    labels = logs[0].outputs("test").labels
    groups = np.array(["view 0", "both", "view 1", "both"])[np.arange(len(labels)) % 4]
    grouped = [
        run_log(log.label, Outputs("test", 100, log.outputs("test").logits, labels, groups), role=log.manifest.role,
                parents=log.manifest.parents, seeds=log.manifest.seeds)
        for log in logs
    ]  # fmt: skip

    assert transfer(grouped)["group"].unique().tolist() == ["all", "both", "view 0", "view 1", "one view"]
    assert "on test, one view of its samples" in panel(Study(grouped)).caption


@pytest.mark.parametrize("logs", [lottery()[0], taught_logs({"ensemble": 0.2}), taught_logs(ARMS, pairs=1)])
def test_without_pairs_it_is_said_what_to_train(logs):
    message = (
        "expected two students or more that share the seed `init` with runs untaught or taught by class means, with "
        "outputs and labels, got fewer; train these from the students' initialisations, and record them by "
        "`Recorder(..., role='class_mean', seeds={'init': 3})`"
    )
    with pytest.raises(NotRecordedError, match=f"^{re.escape(message)}$"):
        transfer(logs)
    assert panel(Study(logs)) is None


def test_columns_have_meanings_and_the_rule_is_printed():
    found = panel(Study(taught_logs(ARMS)))

    assert set(found.table) == {*COLUMNS, "low", "high"}
    assert "A gain is shown where its interval lies above 0; only one over runs taught by class means" in found.caption
    assert found.element.startswith("<svg")
