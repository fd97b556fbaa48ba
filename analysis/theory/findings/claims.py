"""The theory's claims beside the measurements: one row each, with source, expected range, interval and verdict."""

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, GOOD, INK, MUTED, WIDTH, canvas, key
from probes.analysis.plots.marks import intervals, rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.expectations import EXPECTATIONS
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.roles import kind_name
from probes.analysis.theory.rooms import rooms_of
from probes.analysis.theory.verdicts import by_chance, deciding_n, verdict
from probes.errors import LogError

__all__ = ["COLUMNS", "MARKS", "REACH", "claims", "draw", "legend", "measured", "measures", "panel", "records"]

COLUMNS = {
    "claim": "id of the claim",
    "variant": "form of the update or of the pair, where a claim has several",
    "source": "where in the paper the claim stands",
    "expected_low": "smallest value that is as expected",
    "expected_high": "largest value that is as expected",
    "measured": "the measured value: an error or gain in mu, or a share in [0, 1]",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of samples, runs, classes or features the figure rests on; the note states which",
    "verdict": "holds: the interval lies in the expected range; fails: outside of it; open: it straddles an edge",
    "deciding_n": "of an open claim the n at which its interval would decide it; none where no n does",
    "note": "what the figure rests on",
}

# Where the axis of the figure ends: what lies beyond is drawn there.
REACH = (-0.25, 1.05)

# Colour and mark of every verdict.
MARKS: Mapping[str, tuple[str, str]] = MappingProxyType({"holds": (GOOD, "o"), "open": (INK, "D"), "fails": (BAD, "X")})


@finding
def claims(study: Study) -> pd.DataFrame:
    """Return one row per claim, and per variant where a claim has several, in the order of `EXPECTATIONS`.

    The verdict is that of the 95 % interval [low, high], not of the measured value: `holds` where it lies in the
    expected range, ends included, `fails` where it lies outside, `open` where it straddles an edge or is unknown, with
    the n that would decide it. `note` states what n counts and where the interval comes from. The first row of a claim
    with variants is the one the recipe stands by.

    A claim whose runs or evaluations are not there has no row; ``attrs["left_out"]`` has the reason for each, and
    ``attrs["by_chance"]`` how many rows would fail by chance, at most, were every claim true.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = claims(example_study())
        >>> table.loc[table["claim"] == "winners.predicted", ["measured", "n", "verdict"]].values.tolist()
        [[1.0, 27, 'open']]
    """
    found, left_out = measured(study)
    rows = [_row(claim, measurement) for claim, measurements in found.items() for measurement in measurements]

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs.update(rule=str(study.rule), left_out=left_out, by_chance=by_chance(len(rows)))
    return table


def measured(study: Study) -> tuple[dict[str, list[Measurement]], dict[str, str]]:
    """Return what was measured of each claim, a measurement a variant, and why others have none.

    Raises:
        LogError: two runs have the same name.

    Example:
        >>> measured(Study([]))[1]["winners.size"]
        'the study has no run, or no evaluation, to measure it by'
    """
    found: dict[str, list[Measurement]] = {}
    left_out: dict[str, str] = {}
    for claim, measure in measures(study).items():
        try:
            found[claim] = list(measure(study))
        except LogError as error:
            left_out[claim] = str(error)
            continue
        if not found[claim]:
            left_out[claim] = "the study has no run, or no evaluation, to measure it by"
    return found, left_out


def measures(study: Study) -> Mapping[str, Callable[[Study], Iterator[Measurement]]]:
    """Return how each claim about a study is measured, in the order of `EXPECTATIONS`.

    A function yields nothing where the study has no such run, and one measurement for each variant where there are
    several.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> "winners.size" in measures(Study(example_study()))
        True
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
    caption = "Each claim's measured value, with its 95 % interval, on the range in which it is expected."

    return Panel("claims", "The claims at a glance", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a claim: expected range as a grey band, measured value and 95 % interval.

    A claim that holds has a green dot, one that fails a red cross, an open one an empty diamond. What lies beyond -0.25
    or 1.05 is drawn there.

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
    shown = table.assign(**{name: table[name].clip(*REACH) for name in ("measured", "low", "high")})
    for one, (colour, marker) in MARKS.items():
        rows = [row for row, found in enumerate(table["verdict"]) if found == one]
        if rows:  # a line without points would be drawn at the corner of the figure
            part, filled = shown.iloc[rows], one != "open"
            intervals(ax, part, rows, value="measured", colour=colour, marker=marker, filled=filled)

    rows_named(ax, [kind_name(*pair) for pair in zip(table["claim"], table["variant"], strict=True)])
    ax.set(xlim=REACH, ylim=(len(table) - 0.4, -0.6), xlabel="error or gain in units of μ, or share")
    ax.axvline(0, color=INK, linewidth=0.5, zorder=0)
    key(ax, [(Patch(facecolor=MUTED, alpha=0.35), "expected"), *legend()])
    return ax


def legend(*, line: bool = True) -> list[tuple[Artist, str]]:
    """Return the marks of all verdicts with their names, with the interval's line or without.

    Example:
        >>> [name for _, name in legend()]
        ['holds', 'open', 'fails']
    """
    styles: dict[str, Any] = {"linestyle": "-" if line else "none"}
    marks: list[tuple[Artist, str]] = []
    for name, (colour, mark) in MARKS.items():
        styles["fillstyle"] = "none" if name == "open" else "full"
        marks.append((Line2D([], [], color=colour, marker=mark, **styles), name))
    return marks


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the table of `claims` for JSON: finite numbers or None.

    Example:
        >>> records(claims([]))
        []
    """
    rows: list[dict[Any, Any]] = table.astype(object).to_dict("records")

    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(claim: str, measurement: Measurement) -> dict[str, object]:
    expectation, estimate = EXPECTATIONS[claim], measurement.estimate

    return {
        "claim": claim,
        "variant": measurement.variant,
        "source": expectation.source,
        "expected_low": expectation.low,
        "expected_high": expectation.high,
        "measured": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "verdict": verdict(estimate, expectation),
        "deciding_n": deciding_n(estimate, expectation, measurement.law),
        "note": measurement.note,
    }
