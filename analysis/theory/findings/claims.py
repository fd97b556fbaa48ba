"""The theory's claims beside the measurements: one row each, with source, expected range, interval and verdict."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.intervals import Estimate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, WIDTH, canvas, key
from probes.analysis.plots.marks import intervals, rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.expectations import EXPECTATIONS, Expectation
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.roles import kind_name
from probes.analysis.theory.rooms import rooms_of
from probes.errors import LogError

__all__ = ["COLUMNS", "REACH", "claims", "draw", "holds", "measures", "panel", "records"]

COLUMNS = {
    "claim": "id of the claim",
    "source": "where in the paper the claim stands",
    "expected_low": "smallest value at which the claim counts as shown",
    "expected_high": "largest value at which the claim counts as shown",
    "measured": "the measured value: an error or gain in mu, or a share in [0, 1]",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of samples, runs, classes or features the figure rests on; the note states which",
    "holds": "whether the measured value is as expected",
    "variant": "form of the update or of the pair, where a claim has several",
    "note": "what the figure rests on",
}

# Where the axis of the figure ends: what lies beyond is drawn there.
REACH = (-0.25, 1.05)


@finding
def claims(study: Study) -> pd.DataFrame:
    """Return one row per claim, and per variant where a claim has several, in the order of `EXPECTATIONS`.

    A claim `holds` when ``expected_low <= measured <= expected_high``; a claim that a difference is 0 holds, too, when
    the interval [low, high] contains 0. The interval is 95 %; `note` states what n counts and where the interval comes
    from. The first row of a claim with variants is the one the recipe stands by.

    A claim whose runs or evaluations are not there has no row; ``attrs["left_out"]`` has the reason for each.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = claims(example_study())
        >>> table.loc[table["claim"] == "winners.predicted", ["measured", "n", "holds"]].values.tolist()
        [[1.0, 27, True]]
    """
    rows: list[dict[str, object]] = []
    left_out: dict[str, str] = {}
    for claim, measure in measures(study).items():
        try:
            found = [_row(claim, measurement) for measurement in measure(study)]
        except LogError as error:
            left_out[claim] = str(error)
            continue
        rows += found
        if not found:
            left_out[claim] = "the study has no run, or no evaluation, to measure it by"

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs.update(rule=str(study.rule), left_out=left_out)
    return table


def measures(study: Study) -> Mapping[str, Callable[[Study], Iterator[Measurement]]]:
    """Return how each claim about a study is measured, in the order of `EXPECTATIONS`.

    Of runs on Gaussian inputs these are the claims of Figure 7, of others all others. A function yields nothing where
    the study has no such run, and one measurement for each variant where there are several.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> "gaussian_inputs.error_gain" in measures(Study(example_study()))
        False
    """
    stated = {claim: measure for room in rooms_of(study) for claim, measure in getattr(room, "CLAIMS", {}).items()}

    return {claim: stated[claim] for claim in EXPECTATIONS if claim in stated}


def panel(study: Study) -> Panel | None:
    """Return the panel of all claims that were measured; None where none was."""
    table = claims(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH, 0.9 + 0.27 * len(table))
    draw(table, axes[0])
    caption = "Each claim's measured value on the range in which it is expected."

    return Panel("claims", "The claims at a glance", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a claim: expected range as a grey band, measured value and 95 % interval.

    A claim that holds has a green dot, one that does not a red cross. What lies beyond -0.25 or 1.05 is drawn there.

    Args:
        table: Table of `claims`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(claims(example_study()), canvas(8, 4)[1][0]).get_yticklabels()[0].get_text()
        'single.train_error'
    """
    low, high = table["expected_low"].clip(lower=REACH[0]), table["expected_high"]
    ax.barh(range(len(table)), high - low, left=low, height=0.5, color=MUTED, alpha=0.35, linewidth=0)
    shown = table.assign(measured=table["measured"].clip(*REACH))
    for verdict, (colour, marker) in {True: (GOOD, "o"), False: (BAD, "X")}.items():
        rows = [row for row, found in enumerate(table["holds"]) if found == verdict]
        intervals(ax, shown.iloc[rows], rows, value="measured", colour=colour, marker=marker)

    rows_named(ax, [kind_name(*pair) for pair in zip(table["claim"], table["variant"], strict=True)])
    ax.set(xlim=REACH, ylim=(len(table) - 0.4, -0.6), xlabel="error or gain in units of μ, or share")
    ax.axvline(0, color=INK, linewidth=0.5, zorder=0)
    key(ax, _names())
    return ax


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


def _names() -> Sequence[tuple[Artist, str]]:
    return [
        (Patch(facecolor=MUTED, alpha=0.35), "expected"),
        (Line2D([], [], color=GOOD, marker="o", linewidth=1.4), "measured, 95 % interval: holds"),
        (Line2D([], [], color=BAD, marker="X", linewidth=1.4), "does not hold"),
    ]
