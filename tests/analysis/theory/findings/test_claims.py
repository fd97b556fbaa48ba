import json

import pytest

from probes.analysis.intervals import Estimate
from probes.analysis.plots.canvas import BAD, GOOD, canvas
from probes.analysis.study import Study
from probes.analysis.theory.example import example_study
from probes.analysis.theory.expectations import EXPECTATIONS, Expectation
from probes.analysis.theory.findings.claims import claims, draw, holds, measures, records
from tests.analysis.hand import evaluation_of, log_of, race

KEYS = ["claim", "source", "expected_low", "expected_high", "measured", "low", "high", "n", "holds"]


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
        inside = row.expected_low <= row.measured <= row.expected_high
        assert row.holds == (inside or (EXPECTATIONS[row.claim].difference and row.low <= 0 <= row.high))


@pytest.mark.parametrize(
    ("value", "low", "high", "difference", "expected"),
    [
        (0.5, 0.4, 0.6, False, True),
        (0.45, 0.4, 0.5, False, True),
        (0.44, 0.3, 0.6, False, False),
        (0.2, -0.1, 0.5, True, True),
        (0.2, 0.1, 0.3, True, False),
    ],
)
def test_a_claim_holds_within_its_range_or_when_a_difference_may_be_zero(value, low, high, difference, expected):
    expectation = Expectation("it is half", "Theorem 0", 0.45, 0.51, "so", difference=difference)

    assert holds(Estimate(value, low, high, 3), expectation) is expected


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

    assert all(list(row)[:9] == KEYS for row in rows)
    assert {key for row in rows for key in row} == {*KEYS, "variant", "note"}


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_none_in_records(table, value):
    assert records(table.head(1).assign(measured=value))[0]["measured"] is None


def test_a_row_without_variant_has_no_such_key(table):
    assert [row["claim"] for row in records(table) if "variant" in row] == table.loc[
        table["variant"] != "", "claim"
    ].tolist()


MEASURES = measures(Study(example_study()))


def test_every_claim_is_measured_here_or_on_gaussian_inputs():
    inputs = log_of(race([[0]]), recipe={"data": {"kind": "teacher_labels"}})

    assert [*MEASURES, *measures(Study(inputs))] == list(EXPECTATIONS)


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


def test_claims_that_hold_are_green_and_others_red(table):
    green, red = draw(table, canvas(5, 4)[1][0]).get_lines()[:2]

    assert (green.get_color(), red.get_color()) == (GOOD, BAD)
    assert green.get_xdata().tolist() == table.loc[table["holds"], "measured"].tolist()


def test_a_claim_far_outside_is_drawn_at_the_edge(table):
    ax = draw(table.head(1).assign(measured=125.0, holds=False), canvas(5, 4)[1][0])

    assert ax.get_lines()[1].get_xdata().tolist() == [ax.get_xlim()[1]]
