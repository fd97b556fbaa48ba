r"""The bounds of the proof's induction hypothesis, at every recorded step: what is to stay at the scale of the start.

Per run and class, in units of :math:`\sigma_0` (the spread of all correlations at step 0), over all recorded steps:

* losing_view: largest correlation with the view that a class of M does not win;
* off_class: largest correlation with a feature of another class;
* negative: largest negative correlation with any feature, as a positive number;
* not_kept_alive: largest correlation with an own feature, of the neurons that do not survive the race there, those
  with less than 1 - 1/log k of the peak at step 0.

The theory bounds each by :math:`\tilde O(\sigma_0)`, which hides powers of logarithms. Here they are written out: the
largest of :math:`2k^2m` normal draws, times what the race makes of a view that loses by the gap factor just so,

.. math::
    \sigma_0 \sqrt{2 \log(2k^2m)} \, (1 - r^{q-2})^{-1/(q-2)}, \quad r^{-1} = 1 + 1/\log^2 m.

The fifth, balance, is of the last step: 0.4 times the class's strength over the smallest one of another class, below 1.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from probes.analysis.intervals import largest, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.plots.marks import rows_named
from probes.analysis.study import Study, finding
from probes.analysis.taps.own_class import OFF_CLASS
from probes.analysis.taps.statistics import Extremes
from probes.analysis.taps.summaries import extremes
from probes.analysis.taps.tap import taps_of
from probes.analysis.theory.findings.winning_set import gap_factor, winning_set
from probes.analysis.theory.measurement import Measurement, units
from probes.analysis.theory.recipe import exponent, race_series
from probes.analysis.theory.roles import WHO, race_features, singles
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["BOUNDS", "CLAIMS", "COLUMNS", "allowed", "bounds", "draw", "panel"]

COLUMNS = {
    "bound": "which bound of the induction hypothesis",
    "largest": "largest value, over all recorded steps in units of sigma_0; for balance a ratio at the last step",
    "null": "the same at step 0",
    "allowed": "the bound, in the same unit",
    "inside": "whether largest <= allowed",
}

BOUNDS = ("losing_view", "off_class", "negative", "not_kept_alive", "balance")

_TABLE = (*WHO, "class", *COLUMNS, "rule")
_BALANCE = 0.4
_RULE = (
    "largest over all recorded steps, in units of sigma_0, the standard deviation of all correlations at step 0; null: "
    "the same at step 0; allowed: sqrt(2 log(2k^2 m)) (1 - r^(q-2))^(-1/(q-2)), 1/r = 1 + 1/log^2 m; losing_view: "
    "classes of M only; not_kept_alive: below 1 - 1/log k of the peak at step 0; balance: 0.4 x the class's strength "
    "over the smallest of another class, at the last step; {}"
)
_NAMES = {
    "losing_view": "losing view of a winner",
    "off_class": "other classes' features",
    "negative": "below zero",
    "not_kept_alive": "neurons that do not survive",
}
_UNITS = {
    "losing_view": "the losing views of classes of M",
    "off_class": "classes, by their correlations with other classes' features,",
    "negative": "classes, by their negative correlations,",
    "not_kept_alive": "classes, by their neurons that do not survive the race,",
}


def allowed(classes: int, neurons: int, q: int) -> float:
    r"""Return the bound in units of :math:`\sigma_0`, as the module's text has it.

    Example:
        >>> round(allowed(12, 10, 3), 1), round(allowed(12, 10, 4), 1)
        (25.2, 7.4)
    """
    ratio = 1 / gap_factor(neurons)

    return float(np.sqrt(2 * np.log(2 * classes**2 * neurons)) * (1 - ratio ** (q - 2)) ** (-1 / (q - 2)))


@finding
def bounds(study: Study) -> pd.DataFrame:
    """Return one row per (run, class, bound): the largest value at any recorded step, and whether it is allowed.

    Every recorded step is read, once, of single networks, or where a study has none of all its runs. The theory bounds
    runs without a teacher, from an initialisation of their own: those that have parents or continue another one are
    left out.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view) with two views, does not begin at step 0,
            or no exponent q is known.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = bounds(example_study()[-1])
        >>> table.groupby("bound", sort=False)["inside"].mean().round(2).to_dict()
        {'losing_view': 1.0, 'off_class': 1.0, 'negative': 1.0, 'not_kept_alive': 1.0, 'balance': 1.0}
    """
    chosen = singles(study) or study.usable
    bounded = [log for log in chosen if not log.manifest.continues and not log.manifest.parents]
    races = dict(iter(winning_set(study).groupby("run")))
    tables = [_run(log, races[log.label]) for log in bounded]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE)).assign(rule=str(study.rule))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of all bounds; None where no run is bounded."""
    table = bounds(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH, 3)
    draw(table, axes[0])
    beyond = table[~table["inside"].astype(bool)]
    caption = (
        f"Each class of {table['run'].nunique()} runs without a teacher, over every recorded step: {len(beyond)} of "
        f"{len(table)} are beyond their bound. Line: the bound, what the theory's O(σ0) is with its logarithms written "
        "out. A neuron far below zero was thrown there by one large step, when its class's view was decided."
    )
    return Panel("bounds", "What never left the start", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a bound and one dot a class of a run: its largest value at any step, and the bound.

    Grey dots are the same at step 0; a red cross is beyond the bound. Classes that never came above 0 are not drawn.

    Args:
        table: Table of `bounds`; the balance at the end is not drawn.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(bounds(example_study()[-1]), canvas(6, 3)[1][0]).get_xscale()
        'log'
    """
    shift = np.random.default_rng(0).uniform(0.08, 0.3, len(table))
    for row, bound in enumerate(_NAMES):
        chosen = ((table["bound"] == bound) & (table["largest"] > 0)).to_numpy(dtype=bool)
        part, above = table[chosen], shift[chosen]
        inside = part["inside"].to_numpy(dtype=bool)
        started = (part["null"] > 0).to_numpy(dtype=bool)
        ax.plot(part["null"][started], row + above[started], "o", color=MUTED, markersize=2.5, alpha=0.6)
        ax.plot(part["largest"][inside], row - above[inside], "o", color=VIEWS[0], markersize=3.5, alpha=0.6)
        ax.plot(part["largest"][~inside], row - above[~inside], "X", color=BAD, markersize=6)
        ax.vlines(part["allowed"].unique(), row - 0.38, row + 0.1, color=INK, linewidth=1.6)

    ax.set_xscale("log")
    rows_named(ax, list(_NAMES.values()))
    ax.set(ylim=(len(_NAMES) - 0.5, -0.6), xlabel="largest value (units of σ₀)")
    dots = [ax.plot([], [], marker, color=colour)[0] for marker, colour in (("o", VIEWS[0]), ("o", MUTED), ("X", BAD))]
    names = ("at any step", "at step 0", "beyond the bound")
    key(ax, [*zip(dots, names, strict=True), (stroke(INK), "the bound")])
    return ax


def _run(log: LogLike, race: pd.DataFrame) -> pd.DataFrame:
    series, q = race_series(log), exponent(log)
    classes, neurons = series.shape[:2]
    found = extremes(log, taps_of(log)[series.name])
    scale = found.first[~np.isnan(found.first)].std() or np.nan
    most, least = _statistics(found, race), _statistics(Extremes(*[found.first] * 4), race)
    limit = {bound: allowed(classes, neurons, q) for bound in BOUNDS} | {"balance": 1.0}

    tables = []
    for bound in BOUNDS:
        unit = 1.0 if bound == "balance" else scale
        columns = {"class": np.arange(classes), "largest": most[bound] / unit, "null": least[bound] / unit}
        tables.append(pd.DataFrame(columns).dropna().assign(bound=bound, allowed=limit[bound]))
    table = pd.concat(tables, ignore_index=True)
    who = {"run": log.label, "role": log.manifest.role, "variant": log.manifest.variant}
    return table.assign(inside=table["largest"] <= table["allowed"], **who)


def _statistics(found: Extremes, race: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return each bound's statistic, ``(class,)``; NaN where a class has none."""
    each = np.arange(len(found.first))
    own, start = (array[each, :, each].astype(float) for array in (found.largest, found.first))
    off = found.largest.astype(float)
    off[each, :, each] = -np.inf
    losing = own[each, :, 1 - race["predicted"].to_numpy()].max(axis=1)
    survive = start >= start.max(axis=1, keepdims=True) * _share(len(each))

    statistics = {
        "losing_view": np.where(race["winner"], losing, np.nan),
        "off_class": off.max(axis=(1, 2, 3)),
        "negative": -found.smallest.astype(float).min(axis=(1, 2, 3)),
        "not_kept_alive": np.where(survive, -np.inf, own).max(axis=(1, 2)),
        "balance": _balance(found.last),
    }
    return {name: np.where(np.isinf(values), np.nan, values) for name, values in statistics.items()}


def _share(classes: int) -> float:
    """Return 1 - 1/log k, at least 0: the part of the peak from which on a neuron survives."""
    return max(0.0, 1 - 1 / np.log(classes)) if classes > 1 else 0.0


def _balance(last: NDArray[np.floating]) -> NDArray[np.float64]:
    each = np.arange(len(last))
    strength = np.maximum(last[each, :, each], 0).sum(axis=(1, 2), dtype=float)
    smallest = [np.delete(strength, class_).min(initial=np.inf) for class_ in each]

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isinf(smallest), np.nan, _BALANCE * strength / np.asarray(smallest))


def _within(bound: str) -> Callable[[Study], Iterator[Measurement]]:
    def measured(study: Study) -> Iterator[Measurement]:
        every = _of_singles(study)
        table = every[every["bound"] == bound]
        if len(table):
            worst = table.sort_values("largest").iloc[-1]
            note = (
                f"share of {_UNITS[bound]} within {table['allowed'].median():.3g} sigma_0 at all recorded steps; "
                f"largest {worst['largest']:.3g} sigma_0 (run {worst['run']}, class {worst['class']}), at step 0 "
                f"{table['null'].max():.3g}; n: classes of {table['run'].nunique()} runs; interval: Wilson"
            )
            yield Measurement(rate(int(table["inside"].sum()), len(table)), note)
        elif len(every) and race_features(study)["off_strength"].isna().all():
            raise LogError(OFF_CLASS)

    return measured


def _balanced(study: Study) -> Iterator[Measurement]:
    table = _of_singles(study)
    table = table[table["bound"] == "balance"].dropna(subset="largest")
    if len(table):
        every, what = units(table["largest"].astype(float), table["run"], "max")
        note = (
            f"largest 0.4 Phi_i / Phi_j of two classes at the last step; n: {what}; interval: the largest of as many "
            "others, taken as normal"
        )
        yield Measurement(largest(every), note)


def _of_singles(study: Study) -> pd.DataFrame:
    return bounds(study) if singles(study) else pd.DataFrame(columns=list(_TABLE))


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    **{f"induction.{bound}": _within(bound) for bound in _UNITS},
    "induction.balance": _balanced,
}
