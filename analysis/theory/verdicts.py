"""What a measurement says of a claim, that it holds, fails or is open: by its interval, never by its value alone."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from probes.analysis.intervals import CONFIDENCE, Estimate
from probes.analysis.theory.expectations import Expectation
from probes.analysis.theory.laws import Law

__all__ = ["VERDICTS", "Verdict", "by_chance", "chance_said", "counted", "deciding_n", "verdict"]

Verdict = Literal["holds", "open", "fails"]

# Every verdict, and what it means.
VERDICTS: Mapping[Verdict, str] = MappingProxyType({
    "holds": "the 95 % interval lies in the expected range",
    "open": "the interval straddles an edge of the range, or is unknown",
    "fails": "the interval lies outside the range",
})

_ROUNDING = 1e-12  # of ends that are sums; no measurement has so many digits
_MOST = 10**12  # things that nobody measures


def verdict(found: Estimate, expectation: Expectation) -> Verdict:
    """Return what a measurement says of a claim, of whose range the ends are part.

    Example:
        >>> from probes.analysis.theory.expectations import EXPECTATIONS
        >>> half = EXPECTATIONS["single.test_error_mu"]
        >>> [verdict(Estimate(0.47, *ends, 10), half) for ends in ((0.46, 0.48), (0.44, 0.50), (0.40, 0.44))]
        ['holds', 'open', 'fails']
    """
    low, high = expectation.low - _ROUNDING, expectation.high + _ROUNDING

    if low <= found.low and found.high <= high:
        return "holds"
    return "fails" if found.high < low or high < found.low else "open"


def deciding_n(found: Estimate, expectation: Expectation, law: Law | None) -> float:
    """Return the smallest n at which an open claim would be decided, were the value the same; NaN where none decides.

    None does where the value lies on an edge of the range, where the interval is unknown, and where it does not narrow
    with n. A claim that is decided needs none.

    Args:
        found: The measurement.
        expectation: What is expected of it.
        law: How its interval narrows; None where it does not.

    Example:
        >>> from probes.analysis.theory.expectations import EXPECTATIONS
        >>> from probes.analysis.theory.laws import root
        >>> deciding_n(Estimate(0.47, 0.43, 0.51, 10), EXPECTATIONS["single.test_error_mu"], root)
        40.0
    """
    if law is None or verdict(found, expectation) != "open":
        return math.nan
    decided = range(found.n, _MOST)
    place = bisect_left(decided, True, key=lambda n: verdict(law(found, n), expectation) != "open")

    return float(decided[place]) if place < len(decided) else math.nan


def by_chance(rows: int) -> float:
    """Return how many of some true claims fail by chance, at most: each interval misses its value with 5 %.

    So many would where each value is a point; in a range a value at an edge is missed on the wrong side half as often,
    and one in the middle hardly ever. Rows need not be independent.

    Example:
        >>> round(by_chance(28), 2)
        1.4
    """
    return rows * (1 - CONFIDENCE)


def chance_said(rows: int) -> str:
    """Return `by_chance` as a line under a table.

    Example:
        >>> chance_said(28)
        'Of 28 rows with 95 % intervals up to 1.4 would fail by chance, were every claim true.'
    """
    return (
        f"Of {rows} rows with {CONFIDENCE:.0%} intervals up to {by_chance(rows):.2g} would fail by chance, "
        "were every claim true."
    ).replace("%", " %", 1)


def counted(found: Iterable[str]) -> str:
    """Return how many claims hold, are open and fail, in words.

    Example:
        >>> counted(["holds", "open", "holds"])
        '2 of 3 claims hold, 1 is open, none fails'
    """
    every = list(found)
    held, left, failed = (every.count(one) for one in VERDICTS)
    still = f"{left or 'none'} {'are' if left > 1 else 'is'} open"

    return f"{held} of {len(every)} claims hold, {still}, {failed or 'none'} fail{'s' * (failed < 2)}"
