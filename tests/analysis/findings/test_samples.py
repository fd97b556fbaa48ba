"""When each sample of a probe batch is learned and forgotten, how sure runs are of it, and whether they agree."""

import re

import numpy as np
import pytest
from scipy.stats import spearmanr

from probes.analysis import Study, sample_agreement, samples
from probes.analysis.findings.sample_agreement import panel as panel_of_agreement
from probes.analysis.findings.samples import panel
from probes.errors import LogError
from probes.log.layout import Series
from probes.log.manifest import Manifest
from probes.log.memory import memory_log
from tests.analysis.findings.test_quantities import measured

MARGINS = np.array([
    [-1.0, 1, -1, 1, -2],
    [1, -1, -1, 1, -2],
    [1, 1, -1, -1, -2],
    [1, -1, 2, 1, -2],
])


def run_of(run="a", *, margins=None, batch="", ids=(), **facts):
    """A run with margins (step, sample)."""
    values = MARGINS if margins is None else np.asarray(margins, dtype=float)
    labels = {"sample": ids} if ids else {}
    series = Series(f"sample_margins{batch}", ("sample",), values.shape[1:], "<f8", labels=labels, quantity="margin")
    manifest = Manifest(run, (series,), status="finished", **facts)
    return memory_log(manifest, 10 * np.arange(len(values)), {series.name: values})


def stored(run="a", **values):
    """A run of the library's quantities of samples, each (step, ..., sample)."""
    dims = {"cartography": ("measure", "sample")}
    facts = {"cartography": {"labels": {"measure": ("confidence", "variability", "correctness")}}}
    given = {
        name: (dims.get(name, ("sample",)), found, {"quantity": name, **facts.get(name, {})})
        for name, found in values.items()
    }
    return measured(run, steps=len(next(iter(values.values()))), **given)


def ordered(run, order, **facts):
    """A run that learns sample i at step 10 x order[i] and does not forget it."""
    return run_of(run, margins=[[1 if step >= place else -1 for place in order] for step in range(12)], **facts)


def test_margins_say_when_each_sample_is_learned_first_and_for_good_and_how_often_forgotten():
    table = samples(run_of())

    assert table["learned"].tolist() == [True, True, True, True, False]
    assert table["first_learned"].fillna(-1).tolist() == [10, 0, 30, 0, -1]
    assert table["settled"].fillna(-1).tolist() == [10, -1, 30, 30, -1]
    assert table["forgetting_events"].tolist() == [0, 2, 0, 1, 0]
    assert table["correctness"].tolist() == [0.75, 0.5, 0.25, 0.75, 0]


@pytest.mark.parametrize("seed", range(4))
def test_margins_are_read_as_by_a_loop_over_the_steps(seed):
    values = np.random.default_rng(seed).normal(size=(9, 7))
    table = samples(run_of(margins=values))

    for sample in range(7):
        right = [bool(value > 0) for value in values[:, sample]]
        since = len(right)
        while since > 0 and right[since - 1]:
            since -= 1
        slow = (
            10 * right.index(True) if any(right) else -1,
            10 * since if since < len(right) else -1,
            sum(right[at - 1] and not right[at] for at in range(1, len(right))),
        )
        assert tuple(table.loc[sample, ["first_learned", "settled", "forgetting_events"]].fillna(-1)) == slow
    assert table["mean_margin"].to_numpy() == pytest.approx(values.mean(axis=0))
    assert table["margin_deviation"].to_numpy() == pytest.approx(values.std(axis=0))


def test_what_was_recorded_as_such_stands_before_what_margins_say():
    last = {"first_learned": [[9, 9], [3, -1]], "forgetting_events": [[0, 0], [4, 5]]}
    values = [[[0.0, 0], [0, 0], [0, 0]], [[0.75, 0.25], [0.125, 0.5], [1, 0]]]
    table = samples(stored(**last, cartography=values, sample_margins=[[-1, 1], [-1, 1]]))

    assert table["first_learned"].fillna(-1).tolist() == [3, -1]
    assert table["learned"].tolist() == [True, False]
    assert table["forgetting_events"].tolist() == [4, 5]
    columns = ["confidence", "variability", "correctness", "mean_margin"]
    assert table[columns].values.tolist() == [[0.75, 0.125, 1, -1], [0.25, 0.5, 0, 1]]


def test_losses_alone_have_their_means_and_no_order():
    table = samples(stored(sample_losses=[[1, 3], [2, 5]]))

    assert list(table) == ["run", "role", "variant", "batch", "sample", "mean_loss", "loss_deviation"]
    assert table[["mean_loss", "loss_deviation"]].values.tolist() == [[1.5, 0.5], [4, 1]]


def test_samples_have_their_ids_and_batches_their_names():
    table = samples(run_of(batch=".held-out", ids=("u", "v", "w", "x", "y")))

    assert table["sample"].tolist() == list("uvwxy")
    assert set(table["batch"]) == {"held-out"}


def test_runs_that_learn_in_the_same_order_agree_and_others_do_not():
    same, reverse = [0, 2, 2, 5, 7, 9, 30], [9, 7, 6, 5, 2, 1, 0]
    table = sample_agreement([ordered("a", same), ordered("b", same), ordered("c", reverse)])
    first = table[table["order"] == "first_learned"].set_index(["run", "other"])

    for (one, other), (mine, others) in {("a", "b"): (same, same), ("a", "c"): (same, reverse)}.items():
        assert first.loc[(one, other), "correlation"] == pytest.approx(spearmanr(mine, others).statistic)
    assert first["n"].tolist() == [7] * 3
    assert first.loc[("a", "b"), "p_value"] < 0.02
    assert first.loc[("a", "c"), "p_value"] > 0.98
    assert (first["null_low"] < 0).all()
    assert (first["null_high"] > 0).all()


def test_the_null_is_passed_by_one_in_twenty_pairs_without_agreement():
    draw = np.random.default_rng(0)
    logs = [ordered(f"{run:02}", draw.permutation(10)) for run in range(16)]
    table = sample_agreement(logs)
    shares = table[table["order"] == "settled"]["p_value"].le(0.05).mean()

    assert len(table) == 2 * 120
    assert 0 < shares < 0.12


def test_runs_of_other_samples_are_not_compared():
    logs = [run_of("a", ids=tuple("uvwxy")), run_of("b", ids=tuple("uvwxz"))]
    message = (
        "expected two runs that say when they first learned the same samples of a probe batch, got none; record "
        "`probes.quantities.first_learned(batch)` or `sample_margins(batch)` with the same batch in each"
    )

    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        sample_agreement(logs)
    assert panel_of_agreement(Study(logs)) is None


def test_runs_of_batches_of_other_hashes_are_not_compared():
    logs = [run_of(run, batches={"probe": {"sha256": run, "samples": 5}}) for run in "aab"[1:]]

    with pytest.raises(LogError, match="expected two runs that say when"):
        sample_agreement(logs)


def test_samples_that_are_all_learned_at_once_have_no_agreement():
    table = sample_agreement([ordered("a", [1] * 5), ordered("b", [0, 1, 2, 3, 4])])

    assert table[["correlation", "p_value"]].isna().all(axis=None)
    assert panel_of_agreement(Study([ordered("a", [1] * 5), ordered("b", [1] * 5)])) is None


def test_the_order_the_shares_and_the_map_are_drawn():
    found = panel(Study([run_of("a"), run_of("b"), run_of("s", parents=("a",))]))
    order, shares, spread = found.figure.axes[:3]

    assert found.element.startswith("<svg")
    assert found.caption.startswith(
        "5 samples in 3 runs. Learned at some step: 80.0% to 80.0% of a run's samples; 1 by "
    )
    assert order.get_lines()[0].get_ydata().tolist() == [0, 0, 10, 30]
    assert len(order.get_lines()[1].get_ydata()) == 1
    assert shares.get_lines()[0].get_ydata().tolist() == [0.2, 0.4, 0.6, 0.8, 0.8]
    assert spread.get_ylabel() == "mean margin"


@pytest.mark.parametrize(
    "values", [{"sample_losses": [[1, 2], [3, 4]]}, {"forgetting_events": [[0, 1]]}, {"first_learned": [[-1, -1]]}]
)
def test_what_there_is_of_it_is_drawn(values):
    found = panel(Study(stored(**values)))

    assert found.element.startswith("<svg")
    assert found.caption.endswith(".")


def test_the_agreement_is_drawn_with_its_null_and_said():
    found = panel_of_agreement(Study([ordered("a", [0, 1, 2, 3, 4]), ordered("b", [0, 1, 2, 3, 4])]))

    assert found.element.startswith("<svg")
    names = [label.get_text() for label in found.figure.axes[0].get_yticklabels()]
    assert names == ["a, b: learned for good", "a, b: first learned"]
    assert " First learned: median 1 over 1 pairs of 5 samples, largest p 0.0" in found.caption


def test_without_samples_it_is_said_how_to_record_them_and_nothing_is_drawn():
    message = (
        "expected samples of a probe batch, got none; record them by `probes.quantities.sample_margins(batch)`, "
        "`first_learned(batch)`, `forgetting_events(batch)` or `cartography(batch)`"
    )
    log = measured(v=((), np.ones(5)))

    with pytest.raises(LogError, match=f"^{re.escape(message)}$"):
        samples(log)
    assert (panel(Study(log)), panel_of_agreement(Study([log, measured("b", v=((), np.ones(5)))]))) == (None, None)
