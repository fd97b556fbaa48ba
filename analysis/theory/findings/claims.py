"""The theory's claims beside the measurements: one row each, with source, expected range, interval and verdict."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import each
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.intervals import Estimate
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.expectations import EXPECTATIONS, Expectation
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.measurements import asked
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["claims", "claims_of", "holds", "records"]


def claims(logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE) -> pd.DataFrame:
    """Return one row per claim, and per variant where a claim has several, in the order of `EXPECTATIONS`.

    A claim `holds` when ``expected_low <= measured <= expected_high``; a claim that a difference is 0 holds, too, when
    the interval [low, high] contains 0. The interval is 95 %; `note` says what n counts and where the interval comes
    from. The first row of a claim with variants is the one the recipe stands by.

    A claim whose runs or evaluations are not there has no row; ``attrs["left_out"]`` says of each why.

    Args:
        logs: The runs of a study; those that diverged or failed are left out.
        rule: When a feature counts as learned.

    Raises:
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = claims(example_study())
        >>> table.loc[table["claim"] == "winners.predicted", ["measured", "n", "holds"]].values.tolist()
        [[1.0, 27, True]]
    """
    return claims_of(Evidence(each(logs), rule))


def claims_of(evidence: Evidence) -> pd.DataFrame:
    """Return the table of `claims` from evidence that is already there.

    Example:
        >>> claims_of(Evidence([])).empty
        True
    """
    rows: list[dict[str, object]] = []
    left_out: dict[str, str] = {}
    for claim, measure in asked(evidence).items():
        try:
            found = [_row(claim, measurement) for measurement in measure(evidence)]
        except LogError as error:
            left_out[claim] = str(error)
            continue
        rows += found
        if not found:
            left_out[claim] = "the study has no run, or no evaluation, to measure it by"

    table = pd.DataFrame(rows, columns=list(TABLES["claims"]))
    table.attrs.update(rule=str(evidence.rule), left_out=left_out)
    return table


def holds(estimate: Estimate, expectation: Expectation) -> bool:
    """Return whether a measurement is as expected.

    It is when its value lies in the expected range, ends included; where the claim is that a difference is 0, also when
    the interval contains 0.

    Example:
        >>> holds(Estimate(0.47, 0.44, 0.50, 10), EXPECTATIONS["single.test_error_mu"])
        True
    """
    inside = expectation.low <= estimate.value <= expectation.high

    return bool(inside or (expectation.difference and estimate.low <= 0 <= estimate.high))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the table of `claims` for JSON: finite numbers or None, and `variant` only where there is one.

    Example:
        >>> records(claims([]))
        []
    """
    rows: list[dict[Any, Any]] = table.astype(object).to_dict("records")

    return [{str(key): _plain(value) for key, value in row.items() if key != "variant" or value} for row in rows]


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(claim: str, measurement: Measurement) -> dict[str, object]:
    expectation, estimate = EXPECTATIONS[claim], measurement.estimate

    return {
        "claim": claim,
        "source": expectation.source,
        "expected_low": expectation.low,
        "expected_high": expectation.high,
        "measured": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "holds": holds(estimate, expectation),
        "variant": measurement.variant,
        "note": measurement.note,
    }
