"""Self-distillation pair by pair: the measured error beside what the union of the two winners leaves uncovered."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.intervals import Estimate, weighted_sum
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, VIEWS, canvas
from probes.analysis.plots.marks import diagonal
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.findings.growth import growth
from probes.analysis.theory.measurement import Measurement
from probes.analysis.theory.roles import with_role
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "draw", "pairs", "panel"]

COLUMNS = {
    "own_run": "the run that won the student's own features: the continued run, or the student itself",
    "teacher": "the run that was matched",
    "uncovered": "share of all features that neither of the two learned, the error in mu the theory leaves",
    "error_mu": "test error in mu",
    "excess": "error_mu - uncovered",
    "low": "lower end of the excess's 95 % interval",
    "high": "upper end of the excess's 95 % interval",
    "within": "whether the excess's 95 % interval contains 0",
}

_TABLE = ("run", "role", "variant", *COLUMNS)
_RULE = "uncovered: share of features neither own nor taught; within: the error's 95 % interval contains it; {}"


@finding
def pairs(study: Study) -> pd.DataFrame:
    """Return one row per self-distilled run: its error in mu, what the two winners left uncovered, the difference.

    A single-view test sample shows one of the 2k features, each as often as another, so a network that has learned the
    union of its own features and its teacher's errs on the share that the union leaves uncovered. (A sample without
    any off-class feature that the network knows is right by default, so the error may lie a little below: by
    the fraction e^(-s(1 - 1/k)) where each class has one view.)

    Runs without test error are left out.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a run's teachers are not in the study, or a log is not as `growth` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> pairs(example_study())[["variant", "uncovered", "within"]].round(2).values.tolist()
        [['continued', 0.17, True], ['fresh', 0.17, True]]
    """
    students = [log for log in study.students if log.manifest.role == "self_distilled"]
    grown, errors = growth(study), error_rates(study)
    tests = errors[errors["measure"] == "test_error_mu"].set_index("run").to_dict("index")
    covered = (grown["own"] | grown["taught"]).groupby(grown["run"]).mean()

    rows = [_row(log, 1 - float(covered[log.label]), tests[log.label]) for log in students if log.label in tests]
    table = pd.DataFrame(rows, columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(grown.attrs.get("rule", ""))
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of measured error against uncovered share."""
    table = pairs(study)
    if not len(table):
        return None

    figure, axes = canvas(3.8, 3.6)
    draw(table, axes[0])
    caption = (
        "Each self-distilled network's test error against the share of features that neither its own initialisation "
        "nor its teacher won. On the line it errs exactly on what the two leave uncovered. Bars: 95 % over samples."
    )
    return Panel("pairs", "Self-distillation, pair by pair", caption, table, figure)


def draw(frame: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with measured error against uncovered share, one dot a pair, and the line where they are equal.

    Args:
        frame: Table of `pairs`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(pairs(example_study()), canvas(3, 3)[1][0]).get_aspect()
        1.0
    """
    diagonal(ax, 1.08 * max(0.5, frame["error_mu"].max(), frame["uncovered"].max()))

    for place, variant in enumerate(frame["variant"].unique()):
        part, colour = frame[frame["variant"] == variant], VIEWS[place % len(VIEWS)]
        ax.vlines(part["uncovered"], part["uncovered"] + part["low"], part["uncovered"] + part["high"], color=colour)
        ax.plot(part["uncovered"], part["error_mu"], "o", color=colour, markersize=5, label=str(variant))

    ax.set(xlabel="share of features the union leaves uncovered", ylabel="test error (units of μ)")
    ax.legend(frameon=False, loc="upper left", handletextpad=0.2, fontsize=8, labelcolor=INK)
    return ax


def _row(student: LogLike, uncovered: float, test: dict[Any, Any]) -> dict[str, object]:
    low, high = test["low"] - uncovered, test["high"] - uncovered

    return {
        "run": student.label,
        "role": student.manifest.role,
        "variant": student.manifest.variant,
        "own_run": student.manifest.continues or student.label,
        "teacher": " ".join(student.manifest.parents),
        "uncovered": uncovered,
        "error_mu": test["error"],
        "excess": test["error"] - uncovered,
        "low": low,
        "high": high,
        "within": low <= 0 <= high,
    }


def _excess_over_union(study: Study) -> Iterator[Measurement]:
    for variant in with_role(study, "self_distilled"):
        table = pairs(study)
        table = table[table["variant"] == variant]
        if len(table):
            each = zip(table["excess"], table["low"], table["high"], strict=True)
            mean = weighted_sum([Estimate(*row, n=1) for row in each], [1 / len(table)] * len(table))
            yield Measurement(mean._replace(n=len(table)), _note(table), variant)


def _note(table: pd.DataFrame) -> str:
    each = zip(table["error_mu"], table["uncovered"], strict=True)
    listed = ", ".join(f"{error:.3f} less {uncovered:.3f}" for error, uncovered in each)

    return (
        f"error less uncovered share, mean over pairs; n: pairs; interval: over test samples; {table['within'].sum()} "
        f"of {len(table)} pairs have 0 in their own interval: {listed}"
    )


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    "self_distilled.excess_over_union_mu": _excess_over_union
}
