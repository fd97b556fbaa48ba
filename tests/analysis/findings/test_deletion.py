"""Errors of networks with some channels are measured where they are known, and no difference is found where none is."""

import re

import numpy as np
import pytest
from scipy import stats

from probes.analysis import Study, deletion
from probes.analysis.factors.gaussian import gaussian_outputs
from probes.analysis.findings.deletion import COLUMNS, panel
from probes.errors import LogError, NotRecordedError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import run_log

LABELS = np.repeat(np.arange(4), 100)
# How strongly networks see a sample's class, by outputs.
STRENGTHS = {"test": 2.0, "deleted-0.25": 0.5, "deleted-0.5": 1.0, "deleted-0.25-head": 3.0, "deleted-1-head": 1.0}


def logits_of(strength, seed):
    return np.random.default_rng(seed).normal(size=(len(LABELS), 4)) + strength * np.eye(4)[LABELS]


def member(run, *, strengths=STRENGTHS, labels=LABELS, **options):
    sets = [
        Outputs(name, 100, logits_of(strength, 100 * run + place), labels)
        for place, (name, strength) in enumerate(strengths.items())
    ]
    return run_log(f"run-{run}", *sets, **options)


def members(count=5, **options):
    return [member(run, **options) for run in range(count)]


def test_each_side_is_compared_with_whole_networks_whose_head_was_treated_alike():
    table = deletion(members()).set_index(["head", "kept"])

    shares = {"as it is": (0.25, 0.5, 1), "trained again": (0.25, 1)}
    assert table.index.tolist() == [(head, kept) for head, every in shares.items() for kept in every]
    assert table["verdict"].tolist() == ["more", "more", "", "less", ""]
    assert (table["members"] == 5).all()
    assert table["chance"].tolist() == [0.75] * 5
    assert (table["gain_low"] > 0).all()


def test_errors_and_differences_are_those_of_a_slow_second_way():
    logs = members(3)
    row = deletion(logs).set_index(["head", "kept"]).loc[("trained again", 0.25)]
    few, whole = (
        np.stack([log.outputs(name).logits for log in logs]) for name in ("deleted-0.25-head", "deleted-1-head")
    )
    first, second = (each.mean(axis=0).argmax(axis=1) != LABELS for each in (few, whole))

    assert row["error"] == pytest.approx(np.mean([one.argmax(axis=1) != LABELS for one in few]))
    assert row["ensemble"] == pytest.approx(first.mean())
    assert row["over_whole"] == pytest.approx(first.mean() - second.mean())
    only = int((first & ~second).sum()), int((first & ~second).sum() + (second & ~first).sum())
    assert row["p_value"] == pytest.approx(stats.binomtest(*only).pvalue)


def test_of_networks_that_are_alike_a_difference_is_found_at_most_once_in_twenty():
    found = []
    for seed in range(20):
        logits, labels = gaussian_outputs(4, 3, 40, seed=seed)
        logs = [
            run_log(
                f"r{run}", Outputs("test", 1, logits[run], labels), Outputs("deleted-0.5", 1, logits[run + 2], labels)
            )
            for run in range(2)
        ]
        found += [one != "" for one in deletion(logs)["verdict"][:1]]

    assert np.mean(found) <= 0.05


def test_samples_are_matched_by_their_ids_and_probabilities_and_labels_of_one_set_do():
    order = np.random.default_rng(0).permutation(len(LABELS))
    changed = []
    for log in members(3):
        whole, few = log.outputs("test").logits, log.outputs("deleted-0.25").logits
        shares = np.exp(few) / np.exp(few).sum(axis=1, keepdims=True)
        ids = np.arange(len(LABELS))
        changed.append(
            run_log(
                log.label,
                Outputs("test", 1, whole, LABELS, ids=ids),
                Outputs("deleted-0.25", 1, shares[order], ids=ids[order]),
            )
        )
    kept = ["error", "ensemble", "over_whole"]
    first = deletion(members(3)).query("head == 'as it is' and kept == 0.25")[kept]

    assert deletion(changed).query("kept == 0.25")[kept].to_numpy() == pytest.approx(first.to_numpy())


def test_one_member_has_errors_and_no_ensemble():
    table = deletion(members(1))

    assert table["error"].notna().all()
    assert table[["ensemble", "gain", "over_whole"]].isna().all(axis=None)
    assert "nothing to compare with" in panel(Study(members(1))).caption


def test_without_whole_networks_of_the_same_head_it_is_said_what_to_record():
    found = panel(Study(members(3, strengths={"deleted-0.25-head": 3.0, "deleted-0.5-head": 3.0})))

    assert "Head trained again: nothing to compare with; record `deleted-1-head` too, of two members or more." in (
        found.caption
    )


def test_without_outputs_of_deleted_channels_it_is_said_what_to_record():
    message = (
        "expected outputs of members with a share of their channels deleted, got none; record them by "
        "`recorder.outputs('deleted-0.125', logits, labels=...)`, and with the head trained again as "
        "`deleted-0.125-head` and, of whole networks, `deleted-1-head`"
    )
    logs = members(2, strengths={"test": 1.0})
    with pytest.raises(NotRecordedError, match=f"^{re.escape(message)}$"):
        deletion(logs)
    assert panel(Study(logs)) is None


@pytest.mark.parametrize("name", ["deleted-half", "deleted-0", "deleted-12-head"])
def test_a_name_that_states_no_share_is_refused(name):
    message = (
        "expected outputs called `deleted-SHARE` or `deleted-SHARE-head` with a share in (0, 1], got "
        f"`{name}`; store them under such a name"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        deletion(members(2, strengths={name: 1.0}))


def test_outputs_without_labels_or_of_other_samples_are_refused():
    nameless = "expected labels of the samples of outputs `deleted-0.5`, got none; store them with the outputs"
    with pytest.raises(LogError, match=f"^{re.escape(nameless)}$"):
        deletion(members(2, labels=None, strengths={"deleted-0.5": 1.0}))
    other = Outputs("deleted-0.5", 1, np.zeros((3, 4)), np.array([0, 1, 2]))
    logs = [run_log("a", Outputs("deleted-0.25", 1, logits_of(1, 0), LABELS), other)]
    message = (
        "expected outputs `deleted-0.5` of the same samples as `deleted-0.25`, got others; evaluate all on one set"
    )
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        deletion(logs)


def test_the_panel_states_rule_and_verdicts():
    found = panel(Study(members()))

    assert "Head trained again, 0.25 left: one 0." in found.caption
    assert "An ensemble errs less, or more, than that of whole networks whose head was treated alike" in found.caption
    assert {re.sub("_(low|high)$", "", name) for name in found.table} == set(COLUMNS)
    assert found.element.startswith("<svg")
