"""Views are found where runs race for them, and nowhere else."""

import re

import numpy as np
import pytest

from probes.analysis import Study, view_calls, view_samples, views
from probes.analysis.findings.views import COLUMNS, PANELS
from probes.analysis.margins import margins
from probes.errors import LogError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import CLASSES, RUNS, gaussian, lottery, preferring, run_log


@pytest.fixture(scope="module")
def made():
    logs, winners, material = lottery()
    return Study(logs), winners, material


def test_views_are_found_in_every_class_and_part_the_groups(made):
    table = views(made[0])

    assert table["found"].all()
    assert (table["auc"] > 0.98).all()
    assert (table["auc_null"] < 0.75).all()
    assert table["members"].tolist() == CLASSES * [RUNS]
    assert (table["two_means_low"] > 2 / np.pi).all()


def test_runs_prefer_what_they_have_won(made):
    study, winners, _ = made
    named = views(study).set_index("class")["upper_group"].str.removeprefix("view ").astype(int)
    calls = view_calls(study)
    won = [winners[int(row.run[-1]), row._5] == named[row._5] for row in calls.itertuples()]
    called = calls["call"] != ""

    assert called.mean() > 0.7
    assert (calls["call"][called] == "upper").tolist() == [one for one, made in zip(won, called, strict=True) if made]
    assert np.corrcoef(calls["preference"], won)[0, 1] > 0.9


def test_samples_lie_on_the_side_of_their_view(made):
    table = view_samples(made[0])
    means = table.groupby(["class", "group"])["coordinate"].mean().unstack()

    assert len(table) == len(made[2][0])
    assert (np.sign(means["view 0"]) == -np.sign(means["view 1"])).all()
    assert table.groupby("class")["coordinate"].std(ddof=0).to_numpy() == pytest.approx(1)


def test_of_gaussian_classes_at_most_one_in_twenty_is_found_and_no_more_calls_are_made():
    tables = [(views(study), view_calls(study)) for study in (Study(gaussian(seed=seed)) for seed in (1, 2, 3))]

    assert np.mean([table["found"].mean() for table, _ in tables]) <= 0.05
    assert np.mean([(calls["call"] != "").mean() for _, calls in tables]) <= 0.05
    assert np.mean([(table["p_value"] <= 0.05).mean() for table, _ in tables]) > 0.2  # which is no use


def test_a_class_that_all_runs_have_the_same_view_of_shows_none():
    _, _, material = lottery()
    logs = [
        run_log(f"run-{run}", Outputs("test", 1, preferring(CLASSES * [0], material, seed=run), material[0]))
        for run in range(RUNS)
    ]

    assert not views(logs)["found"].any()


def test_of_three_views_those_that_runs_differ_in_most_are_parted():
    logs, _, _ = lottery(views=3, samples=120, runs=12)
    table = views(logs)

    assert table["found"].any()
    assert (table["auc"][table["found"]] > 0.9).all()


def test_probabilities_labels_of_one_run_and_other_orders_change_nothing(made):
    logs, _, (labels, _, _) = lottery(groups=False)
    changed = []
    for place, log in enumerate(logs):
        logits, order = log.outputs("test").logits, np.random.default_rng(place).permutation(len(labels))
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        given = labels[order] if place == 2 else None
        changed.append(run_log(log.label, Outputs("test", 100, shares[order], given, None, order)))

    first, second = views(logs), views(changed)
    assert second[["share", "two_means"]].to_numpy() == pytest.approx(first[["share", "two_means"]].to_numpy())
    assert np.isnan(second["auc"]).all()
    assert "Outputs `test` of all runs are probabilities" in PANELS[0](Study(changed)).caption


def test_a_student_is_called_by_the_members(made):
    logs, _, material = lottery()
    student = run_log(
        "student", Outputs("test", 100, preferring(CLASSES * [1], material, seed=77), material[0]), parents=("run-0",)
    )
    calls = view_calls([*logs, student]).query("run == 'student'")
    named = views([*logs, student])["upper_group"]

    assert views([*logs, student])["share"].tolist() == views(made[0])["share"].tolist()
    assert [
        call in ("", "upper" if name == "view 1" else "lower") for call, name in zip(calls["call"], named, strict=True)
    ] == CLASSES * [True]
    assert (calls["call"] != "").any()


def test_a_preference_is_the_weight_of_the_run_in_the_factor(made):
    study, _, (labels, _, _) = made
    rows = np.stack([margins(log.outputs("test").logits, labels)[labels == 1] for log in study.members])
    rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    found = view_calls(study).query("`class` == 1")["preference"].to_numpy()

    assert np.abs(found) == pytest.approx(np.abs(left[:, 0] * values[0]) / np.sqrt(rows.shape[1]))


@pytest.mark.parametrize("runs", [1, 2])
def test_fewer_than_three_members_are_refused(runs):
    message = (
        "expected outputs with labels of 3 or more members, runs without parents, on one set, got "
        f"{runs}; record more runs, of five on views are found well"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        views(lottery(runs=runs)[0])


def test_classes_of_few_samples_are_left_out_and_none_is_refused():
    message = (
        "expected two classes or more, and one with 8 samples, in outputs `test`, got fewer; evaluate the runs on more "
        "samples"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        views(lottery(samples=7)[0])
    logits = np.random.default_rng(0).normal(size=(5, 21, 3))
    labels = np.repeat([0, 1], [1, 20])

    assert views([run_log(f"r{n}", Outputs("test", 1, one, labels)) for n, one in enumerate(logits)])["n"].tolist() == [
        20
    ]


def test_the_rule_is_printed_and_every_column_has_a_meaning(made):
    study = made[0]
    panel = PANELS[0](study)
    known = {name.removesuffix(end) for name in COLUMNS for end in ("",)} | {"run", "role", "variant", "low", "high"}

    assert "views are found where p <= 0.05" in views(study).attrs["rule"]
    assert "Views are found in 4 of 4 classes of test" in panel.caption
    for table in (views(study), view_calls(study), view_samples(study)):
        assert {re.sub("_(low|high|shuffled|gaussian)$", "", name) for name in table} <= known


def test_without_labelled_outputs_nothing_is_drawn():
    logs = [run_log("a", Outputs("test", 1, np.zeros((4, 2)))), run_log("b")]

    assert [build(Study(logs)) for build in PANELS] == [None, None]
