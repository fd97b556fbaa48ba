import json

import pandas as pd
import pytest

from probes.analysis.plots.canvas import BAD, GOOD, INK, canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.analysis.theory.findings.claims import claims, draw, measures, records
from tests.analysis.hand import evaluation_of, log_of, race

KEYS = ["claim", "variant", "source", "expected_low", "expected_high", "measured", "low", "high", "n", "verdict"]


@pytest.fixture(scope="module")
def table():
    return claims(example_study())


def test_rows_are_in_the_order_of_the_expectations(table):
    order = {claim: place for place, claim in enumerate(EXPECTATIONS)}

    assert table["claim"].map(order).is_monotonic_increasing


def test_the_variant_a_recipe_stands_by_comes_first(table):
    assert table.loc[table["claim"] == "self_distilled.test_error_mu", "variant"].tolist() == ["continued", "fresh"]


def test_each_interval_contains_what_was_measured(table):
    known = table.dropna(subset="low")
    assert ((known["low"] <= known["measured"]) & (known["measured"] <= known["high"])).all()
    assert set(table.loc[table["low"].isna(), "note"].str.extract(r"mean of (\d) pairs")[0]) == {"1"}


def test_bounds_and_sources_are_those_of_the_expectations(table):
    for row in table.itertuples():
        expected = EXPECTATIONS[row.claim]
        assert (row.expected_low, row.expected_high, row.source) == (expected.low, expected.high, expected.source)


def test_the_verdict_follows_from_the_row(table):
    for row in table.itertuples():
        inside = row.expected_low <= row.low and row.high <= row.expected_high
        outside = row.high < row.expected_low or row.expected_high < row.low
        assert row.verdict == ("holds" if inside else "fails" if outside else "open")


def test_only_open_claims_have_an_n_that_would_decide_them_and_it_is_larger(table):
    assert {"holds", "open"} <= set(table["verdict"])
    assert table.loc[table["verdict"] != "open", "deciding_n"].isna().all()
    assert (table["deciding_n"].dropna() > table.loc[table["deciding_n"].notna(), "n"]).all()


def test_one_row_in_twenty_fails_by_chance(table):
    assert table.attrs["by_chance"] == pytest.approx(len(table) / 20)


def test_a_claim_without_its_runs_has_no_row_but_a_reason():
    table = claims([log_of(race([[0], [1]]), role="single")])

    assert table["claim"].tolist() == ["winners.predicted", "winners.size", "losing_view.stays_small"]
    assert table.attrs["left_out"]["average.gain_mu"] == "the study has no run, or no evaluation, to measure it by"


def test_a_claim_whose_logs_cannot_be_read_gives_the_reason():
    student = log_of(race([[0], [1]]), role="self_distilled", parents=("gone",), evaluation=evaluation_of(classes=2))
    left_out = claims([student]).attrs["left_out"]

    assert left_out["self_distilled.excess_over_union_mu"].startswith("run `a`: expected its teachers among the logs")


def test_runs_that_diverged_are_in_no_claim():
    logs = example_study()
    broken = log_of(race([[0]] * 6), "single-99", role="single", status="diverged")

    assert claims([*logs, broken]).equals(claims(logs))


def test_records_are_json_with_the_public_keys(table):
    rows = json.loads(json.dumps(records(table), allow_nan=False))

    assert all(list(row) == [*KEYS, "deciding_n", "note"] for row in rows)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_none_in_records(table, value):
    assert records(table.head(1).assign(measured=value))[0]["measured"] is None


MEASURES = measures(Study(example_study()))


def test_every_claim_is_measured():
    assert list(MEASURES) == list(EXPECTATIONS)


@pytest.mark.parametrize("claim", MEASURES)
@pytest.mark.parametrize("logs", [[], [log_of(race([[0], [1], [0]]), role="other")]])
def test_a_study_without_the_runs_yields_nothing(claim, logs):
    assert list(MEASURES[claim](Study(logs))) == []


@pytest.mark.parametrize("claim", MEASURES)
def test_every_note_says_what_n_counts_and_whence_the_interval(claim):
    for found in MEASURES[claim](Study(example_study())):
        assert "n: " in found.note
        assert "interval: " in found.note


def linear(run):
    facts = {"role": "single", "recipe": {"network": {"kind": "tangent"}}, "evaluation": evaluation_of(single=[run])}
    return log_of(race([[0]] * 3), str(run), **facts)


def test_of_linear_learners_claims_about_the_race_are_left_out():
    table = claims([linear(0), linear(1)])

    assert table["claim"].tolist() == ["single.train_error", "single.test_error_mu", "ensemble.test_error_mu"]
    assert table.attrs["left_out"]["winners.predicted"] == (
        "expected networks that learn features, got `network.kind` tangent: the features of a linear learner stay as "
        "initialisation drew them, so that errors are all there is to compare"
    )


def test_each_verdict_has_a_colour_and_a_mark(table):
    table = pd.concat([table, table.head(1).assign(low=0.5, verdict="fails")])
    drawn = draw(table, canvas(5, 4)[1][0]).get_lines()[:3]

    assert [(line.get_color(), line.get_marker()) for line in drawn] == [(GOOD, "o"), (INK, "D"), (BAD, "X")]
    for line, verdict in zip(drawn, ("holds", "open", "fails"), strict=True):
        values = table.loc[table["verdict"] == verdict, "measured"].clip(-0.25, 1.05)
        assert line.get_xdata().tolist() == values.tolist()


def test_a_claim_far_outside_is_drawn_at_the_edge(table):
    ax = draw(table.head(1).assign(measured=125.0, verdict="fails"), canvas(5, 4)[1][0])

    assert ax.get_lines()[0].get_xdata().tolist() == [ax.get_xlim()[1]]
