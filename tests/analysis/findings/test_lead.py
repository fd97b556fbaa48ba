"""The step at which the winner is decided is found where it is known, and a gradient step predicts what it must."""

import re

import numpy as np
import pytest

from probes.analysis import Study, lead
from probes.analysis.findings.lead import COLUMNS, panel
from probes.errors import LogError, NotRecordedError
from probes.log.outputs import Outputs
from tests.analysis.findings.made_outputs import lead_logs, lottery, run_log


def test_the_lead_foretells_the_winner_from_the_step_on_at_which_it_is_decided():
    table = lead(lead_logs(decided=30)).query("of == 'early'").set_index("step")

    assert (table.loc[[0, 10], "p_value"] > 0.05).all()
    assert (table.loc[[30, 100], "correlation"] > 0.9).all()
    assert (table.loc[[30, 100], "p_value"] == 1 / 1000).all()
    assert set(table["against"]) == {"test"}
    assert "The winner shows from step 30 on." in panel(Study(lead_logs(decided=30))).caption


def test_a_lead_is_that_of_the_own_class_against_the_mean_of_all():
    logs = lead_logs(test=False, runs=6)
    shifted = [
        run_log(log.label, *(
            Outputs(name, step, (one := log.outputs(name, step=step)).logits + 7.0, one.labels, one.groups)
            for name, steps in log.output_sets.items() for step in steps
        ))
        for log in logs
    ]  # fmt: skip

    assert lead(shifted)["correlation"].to_numpy() == pytest.approx(lead(logs)["correlation"].to_numpy(), abs=1e-5)


def slow_gaps(logs, step, classes=5):
    """View 0 less view 1 of the own class's logit, less the mean of all logits; the mean over runs off."""
    found = []
    for log in logs:
        logits = log.outputs("lead", step=step).logits.astype(float)
        own = [logits[2 * c + v, c] - logits[2 * c + v].mean() for c in range(classes) for v in range(2)]
        found.append(np.array(own[::2]) - np.array(own[1::2]))
    return np.array(found) - np.mean(found, axis=0)


def test_without_a_set_of_these_groups_the_last_step_of_the_batch_is_the_end():
    logs = lead_logs(test=False)
    table = lead(logs)
    row = table.set_index("step").loc[10]
    early, late = slow_gaps(logs, 10), slow_gaps(logs, 100)

    assert (set(table["against"]), 100 in table["step"].tolist()) == ({"lead at step 100"}, False)
    assert row["correlation"] == pytest.approx((early * late).sum() / np.sqrt((early**2).sum() * (late**2).sum()))
    assert row["agree"] == np.mean(np.sign(early) == np.sign(late))


def test_a_gradient_step_predicts_what_it_changes_and_not_what_was_there():
    found = [lead(lead_logs(predicted=2.0, seed=seed)).iloc[-1] for seed in range(3)]

    assert {row["of"] for row in found} == {"one gradient step"}
    assert all(row["correlation"] > 0.7 and row["p_value"] <= 0.01 for row in found)


def test_where_a_gradient_step_says_nothing_one_in_twenty_is_significant():
    rows = [lead(lead_logs(predicted=0.0, seed=seed, runs=6, classes=3, steps=(0,))).iloc[-1] for seed in range(25)]

    assert np.mean([row["p_value"] <= 0.05 for row in rows]) <= 0.16
    assert np.mean([row["null_low"] <= row["correlation"] <= row["null_high"] for row in rows]) >= 0.84


def test_three_views_are_leads_of_each():
    draw = np.random.default_rng(0)
    labels, views = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    logs = []
    for run in range(8):
        won = draw.integers(0, 3, 2)
        known = np.eye(2)[labels] * (2.0 * (won[labels] == views) + 0.1 * draw.normal(size=6))[:, None]
        logs.append(run_log(f"r{run}", *(Outputs("lead", step, known, labels, views) for step in (5, 9))))
    row = lead(logs).iloc[0]

    assert (row["correlation"], row["agree"]) == (pytest.approx(1, abs=1e-6), 1)


def test_without_a_gradient_step_it_is_said_what_to_record():
    logs = [run_log(log.label, *(log.outputs("lead", step=step) for step in (0, 10, 100))) for log in lead_logs(runs=5)]

    assert set(lead(logs)["of"]) == {"early"}
    assert "Outputs `lead-one-step` were not recorded" in panel(Study(logs)).caption


@pytest.mark.parametrize("logs", [lottery()[0], lead_logs(runs=3), lead_logs(steps=[100], test=False)])
def test_without_a_probe_batch_at_several_steps_it_is_said_what_to_record(logs):
    message = (
        "expected outputs `lead` with labels and groups, two or more views a class, at several steps, of 4 members or "
        "more, got none; record a batch whose samples show one view each by `recorder.outputs('lead', logits, "
        "labels=..., groups=..., step=...)` at several steps"
    )
    with pytest.raises(NotRecordedError, match=f"^{re.escape(message)}$"):
        lead(logs)


def test_only_where_nobody_recorded_a_probe_batch_nothing_is_said():
    assert panel(Study(lottery()[0])) is None
    with pytest.raises(NotRecordedError, match=r"^expected outputs `lead`"):
        panel(Study(lead_logs(runs=3)))


def test_a_gradient_step_on_other_samples_is_refused():
    message = (
        "expected outputs `lead-one-step` of the samples of `lead` and in their order, got others; evaluate both on "
        "one batch"
    )
    logs = [
        run_log(
            log.label,
            *(log.outputs("lead", step=step) for step in (0, 100)),
            Outputs("lead-one-step", 0, np.zeros((3, 5)), np.arange(3)),
        )
        for log in lead_logs(test=False)
    ]
    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        lead(logs)


def test_columns_have_meanings_and_the_rule_is_printed():
    table = lead(lead_logs(runs=5))

    assert set(table) == set(COLUMNS)
    assert table.attrs["rule"].startswith("the winner shows at a step where p <= 0.05 there")
    assert panel(Study(lead_logs(runs=5))).element.startswith("<svg")
