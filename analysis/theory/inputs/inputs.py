r"""Ensembles on Gaussian inputs: what they gain in error, and by how much their outputs vary less (Figure 7).

The variance of networks is :math:`\frac{1}{N}\sum_n \sum_i \mathrm{Var}_s\, p_i^{[s]}(x_n)`, p their softmax outputs
over test samples n and classes i. An ensemble's output is the softmax of its members' mean logits. All is measured on
one test set, sample by sample, so that a difference of two errors is known better than either error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy import special, stats

from probes.analysis.findings.outputs import wrong
from probes.analysis.intervals import CONFIDENCE, Estimate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas
from probes.analysis.study import Study, finding
from probes.analysis.theory.logits import measured_arrays
from probes.analysis.theory.measurement import Measurement
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "LEARNERS", "NO_GAIN", "draw", "draw_bars", "in_points", "inputs", "is_inputs", "panel"]

COLUMNS = {
    "learner": "single, ensemble or average",
    "networks": "how many networks are in each",
    "count": "how many of them there are",
    "error": "share of the test set that is wrong, mean over them",
    "error_low": "lower end of its 95 % interval over test samples",
    "error_high": "upper end of its 95 % interval",
    "gain": "error of the single networks less this one",
    "gain_low": "lower end of its 95 % interval over test samples",
    "gain_high": "upper end of its 95 % interval",
    "variance_ratio": "variance of softmax outputs over that of single networks; missing where there is one of them",
    "ratio_low": "lower end of its 95 % interval over test samples",
    "ratio_high": "upper end of its 95 % interval",
    "n": "number of test samples",
}

LEARNERS: Mapping[str, str] = {"single": "single networks", "ensemble": "ensemble", "average": "trained average"}
NO_GAIN = 0.01  # a gain of at most so much counts as none

_KIND = "teacher_labels"
_NEEDED = ("test/logits", "test/labels")


def is_inputs(study: Study) -> bool:
    """Return whether all usable runs are those of a study on Gaussian inputs, as their recipes state.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> is_inputs(Study(example_study()))
        False
    """
    kinds = {log.manifest.recipe.get("data", {}).get("kind") for log in study.usable}

    return kinds == {_KIND}


@finding
def inputs(study: Study) -> pd.DataFrame:
    """Return one row per learner: single networks, ensembles of M and of all of them, and trained averages of M.

    Ensembles of M share no member. Intervals are 95 % over test samples, for these networks.

    Args:
        study: A study on Gaussian inputs, logs, or a path; runs that diverged or failed are left out.

    Raises:
        LogError: there are less than two single runs, one was not evaluated, or test samples differ.
    """
    singles, averages = ([log for log in study.usable if log.manifest.role == role] for role in ("single", "average"))
    if len(singles) < 2:
        raise LogError(f"expected two single runs or more for an ensemble, got {len(singles)}: record more of them")
    labels = _labels([*singles, *averages])
    alone, together = _logits(singles), _logits(averages)
    every = np.mean(alone, axis=0)
    members = _members(study.usable, len(singles))
    groups = [np.mean(alone[start : start + members], axis=0) for start in range(0, len(alone) - members + 1, members)]

    learners: list[tuple[str, int, Sequence[np.ndarray]]] = [
        ("single", 1, alone),
        *([("ensemble", members, groups)] if 1 < members < len(singles) else []),
        ("ensemble", len(singles), [every]),
        *([("average", members, together)] if together else []),
    ]
    rows = [(*who, len(found), *_measured(found, alone, labels), labels.size) for *who, found in learners]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def panel(study: Study) -> Panel | None:
    """Return the panel of what ensembles and trained averages gain, and how much less their outputs vary."""
    table = inputs(study)
    figure, axes = canvas(WIDTH, 0.9 + 0.33 * len(table), columns=2, sharey=True)
    draw(table, axes)
    caption = (
        "What is gained in test error on single networks by their ensembles, the mean of their logits, and by averages "
        "that were trained together; and the variance of softmax outputs over networks, mean over test "
        "samples. Bands: one point, which counts as no gain; grey marks: what M independent networks would give, 1/M. "
        f"Bars: 95 % over {table['n'].max():,} test samples, sample by sample."
    )
    return Panel("inputs", "What an ensemble gains, and how much less it varies", caption, table, figure)


def draw(frame: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Return two axes with one row a learner: its gain in test error, and variance of outputs over single networks'.

    Bars are 95 % intervals; grey marks what M independent networks would give.

    Args:
        frame: Table of `inputs`.
        axes: Where to draw, side by side.

    Example:
        >>> row = {"learner": "single", "networks": 1, "count": 10, "error": 0.4, "gain": 0.0}
        >>> row |= {"gain_low": 0.0, "gain_high": 0.0}
        >>> ratio = {"variance_ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
        >>> left, right = draw(pd.DataFrame([row | ratio]), canvas(6, 2, columns=2, sharey=True)[1])
        >>> left.get_yticklabels()[0].get_text()
        'single networks (10): 40.0 %'
    """
    heights = np.arange(len(frame))
    names = [_name(row) for row in frame.to_dict("records")]
    left, right = axes

    left.axvspan(-100 * NO_GAIN, 100 * NO_GAIN, color=MUTED, alpha=0.25, linewidth=0)
    draw_bars(left, heights, in_points(frame), ("gain", "gain_low", "gain_high"))
    draw_bars(right, heights, frame, ("variance_ratio", "ratio_low", "ratio_high"))
    right.plot(1 / frame["networks"], heights, "|", color=MUTED, markersize=16, markeredgewidth=1.2)
    left.set_yticks(heights, names)
    left.set(ylim=(len(frame) - 0.5, -0.5), xlabel="gain in test error (points)")
    right.set(xlabel="variance (single = 1)", xlim=(0, None))
    return axes


def draw_bars(
    ax: Axes, heights: ArrayLike, frame: pd.DataFrame, values: tuple[str, str, str], colour: str = VIEWS[0]
) -> None:
    """Draw values with their intervals, a row each.

    Args:
        ax: Where to draw.
        heights: The row of each.
        frame: The columns that are named.
        values: Columns of the value and both ends.
        colour: Of dots and lines.

    Example:
        >>> ax = canvas(3, 2)[1][0]
        >>> draw_bars(ax, [0], pd.DataFrame({"gain": [1.0], "low": [0.5], "high": [1.5]}), ("gain", "low", "high"))
        >>> len(ax.get_lines())
        1
    """
    value, low, high = (frame[name] for name in values)
    ax.hlines(heights, low, high, color=colour, linewidth=1.1, alpha=0.8)
    ax.plot(value, heights, "o", color=colour, markersize=4, markeredgewidth=0)


def in_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its gains in points, hundredths.

    Example:
        >>> in_points(pd.DataFrame({"gain": [0.01], "gain_low": 0.0, "gain_high": 0.02}))["gain_high"].tolist()
        [2.0]
    """
    return frame.assign(**{name: 100 * frame[name] for name in ("gain", "gain_low", "gain_high")})


def _name(row: Mapping[Any, Any]) -> str:
    several = row["learner"] != "single" and row["count"] > 1
    of = "" if row["learner"] == "single" else f" of {row['networks']}"
    count = f" ({row['count']})" if row["count"] > 1 else ""

    return f"{LEARNERS[row['learner']]}{'s' * several}{of}{count}: {100 * row['error']:.1f} %"


def _measured(found: Sequence[np.ndarray], alone: Sequence[np.ndarray], labels: np.ndarray) -> list[float]:
    """Return error, gain over the single networks and ratio of variances, each with its interval."""
    errors, before = _wrong(found, labels), _wrong(alone, labels)
    ratio = _ratio(_variance(found), _variance(alone)) if len(found) > 1 else [np.nan] * 3

    return [*_mean(errors)[:3], *_mean(before - errors)[:3], *ratio]


def _wrong(logits: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return which share of some networks has each sample wrong, ``(sample,)``."""
    return np.asarray(np.mean([wrong(one, labels) for one in logits], axis=0))


def _variance(logits: Sequence[np.ndarray]) -> np.ndarray:
    """Return the variance of softmax outputs over networks, summed over classes, ``(sample,)``."""
    return np.asarray(np.var([special.softmax(one, axis=-1) for one in logits], axis=0, ddof=1).sum(-1))


def _mean(values: np.ndarray) -> Estimate:
    """Return the mean over samples with its normal interval."""
    mean, reach = float(values.mean()), _reach(values)

    return Estimate(mean, mean - reach, mean + reach, values.size)


def _ratio(above: np.ndarray, below: np.ndarray) -> list[float]:
    """Return the ratio of two means over the same samples, with the interval of its linear expansion."""
    ratio = float(above.mean() / below.mean())
    reach = _reach((above - ratio * below) / below.mean())

    return [ratio, ratio - reach, ratio + reach]


def _reach(values: np.ndarray) -> float:
    return float(stats.norm.ppf((1 + CONFIDENCE) / 2) * stats.sem(values))


def _logits(logs: Sequence[LogLike]) -> Sequence[np.ndarray]:
    """Return the outputs on the test set of each run, ``(sample, class)``, float64."""
    return [np.asarray(measured_arrays(log)["test/logits"], dtype=float) for log in logs]


def _labels(logs: Sequence[LogLike]) -> np.ndarray:
    """Return the labels of the one test set."""
    arrays: Mapping[str, Mapping[str, np.ndarray]] = {log.label: measured_arrays(log) for log in logs}
    first, *others = arrays.items()
    for run, held in arrays.items():
        missing = [name for name in _NEEDED if name not in held]
        if missing:
            raise LogError(f"run `{run}`: expected `{missing[0]}` in its evaluation, got none; `probes evaluate` it")
    for run, held in others:
        if not np.array_equal(held["test/labels"], first[1]["test/labels"]):
            raise LogError(
                f"run `{run}`: expected the same `test/labels` as run `{first[0]}`, got others; evaluate all runs of "
                "the study on one test set"
            )
    return np.asarray(first[1]["test/labels"])


def _members(logs: Sequence[LogLike], singles: int) -> int:
    """Return M: as many networks as a trained average has, else half of the singles."""
    stated = logs[0].manifest.recipe.get("runs", {}).get("members", 0)

    return int(stated) or singles // 2


def _error_gain(study: Study) -> Iterator[Measurement]:
    table = inputs(study)
    largest = table[table["learner"] == "ensemble"].tail(1)
    for row in pd.concat([largest, table[table["learner"] == "average"]]).to_dict("records"):
        note = (
            f"mean test error of the single networks less that of {_words(row)}; n: test samples; interval: over them, "
            "sample by sample"
        )
        yield Measurement(Estimate(row["gain"], row["gain_low"], row["gain_high"], row["n"]), note, row["learner"])


def _variance_ratio(study: Study) -> Iterator[Measurement]:
    table = inputs(study)
    for row in table[(table["learner"] != "single") & table["variance_ratio"].notna()].to_dict("records"):
        note = (
            f"variance of softmax outputs of {_words(row)}, over that of single networks; independent networks would "
            f"give {1 / row['networks']:.3g}; n: test samples; interval: over them"
        )
        found = Estimate(row["variance_ratio"], row["ratio_low"], row["ratio_high"], row["n"])
        yield Measurement(found, note, row["learner"])


def _words(row: Mapping[Any, Any]) -> str:
    kind = {"ensemble": "ensemble", "average": "trained average"}[row["learner"]]

    return f"the {kind} of {row['networks']}" if row["count"] == 1 else f"{row['count']} {kind}s of {row['networks']}"


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    "gaussian_inputs.error_gain": _error_gain,
    "gaussian_inputs.variance_ratio": _variance_ratio,
}
