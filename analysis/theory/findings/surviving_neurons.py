"""Which neurons survive the race, and how much of a feature's final strength they carry."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from probes.analysis.intervals import bootstrapped
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import MUTED, VIEWS, WIDTH, canvas, key
from probes.analysis.plots.marks import dot, rows_named
from probes.analysis.study import Study, finding
from probes.analysis.theory.recipe import race_series
from probes.analysis.theory.roles import WHO, kind_name, of_singles, race_learned
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "draw", "panel", "surviving_neurons"]

COLUMNS = {
    "survivors": "number of neurons that survive the race: correlation at step 0 near the peak",
    "neurons": "neurons per class m",
    "carried": "share of the final strength in the survivors",
    "carried_by_first": "share of the final strength in the neuron that was strongest at step 0",
    "null": "share of the final strength that as many neurons picked at random carry on average, survivors / neurons",
    "outside": "largest final correlation of the other neurons, over the final peak",
    "strength": "strength at the last step",
    "learned": "whether the feature was learned",
}

_TABLE = (*WHO, "class", "view", *COLUMNS, "rule")
_RULE = (
    "survivors: correlation at step 0 at least {:.3g} = 1 - c/log k of the peak; carried: share of the strength at "
    "the last step in these neurons; null: their share of all neurons; {}"
)


@finding
def surviving_neurons(study: Study, *, slack: float = 1.0) -> pd.DataFrame:
    r"""Return one row per (run, class, view): the neurons that survive the race, and what they carry at the end.

    .. math::
        \{r: \langle w^{(0)}_{i,r}, v_{i,\ell} \rangle \ge \Lambda^{(0)}_{i,\ell} (1 - c / \log k)\}

    (`Allen-Zhu & Li, 2023 <https://arxiv.org/abs/2012.09816>`_, full version.) `carried` is the share of the final
    strength in these neurons, and `carried_by_first` that in the one neuron which was strongest at initialisation;
    `null` is what as many neurons picked at random carry on average, survivors over neurons. `outside` is the largest
    final correlation of the other neurons over the final peak: the theory keeps it small. Runs that continue another
    one are left out.

    Args:
        study: A study of the theory, logs, or a path.
        slack: The constant c.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view) with two views, or begins late.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = surviving_neurons(example_study()[-1])
        >>> table.loc[table["learned"], ["class", "survivors", "carried", "null"]].round(2).head(2)
           class  survivors  carried  null
        0      0          2      1.0  0.33
        2      1          2      1.0  0.33
    """
    racing = [log for log in study.usable if not log.manifest.continues]
    known = dict(iter(race_learned(study).groupby("run", observed=True)))
    tables = [_neurons(log, known[log.label], slack) for log in racing]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE))
    shares = {_share(race_series(log).shape[0], slack) for log in racing}
    table.attrs["rule"] = _RULE.format(min(shares, default=math.nan), study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of what survivors carry of learned features, one row a kind of run."""
    table = surviving_neurons(study)
    won = table[table["learned"].astype(bool)]
    if not len(won):
        return None

    figure, axes = canvas(WIDTH, 0.9 + 0.45 * len(won.groupby(["role", "variant"], observed=True)))
    draw(table, axes[0])
    single = of_singles(study, won)
    carried = bootstrapped(single.groupby("run", observed=True)["carried"].mean(), np.mean)
    caption = (
        "Share of each learned feature's final strength in the neurons that survive the race in theory: those whose "
        f"correlation at step 0 is near the peak ({single['survivors'].mean():.1f} of {single['neurons'].mean():.0f} "
        f"on average). They carry {carried.value:.1%} of it ({carried.reach('.1%')}, bootstrap over "
        f"{carried.n} runs), the strongest one alone {single['carried_by_first'].mean():.1%}; as many neurons picked "
        f"at random would carry {single['null'].mean():.1%}."
    )
    return Panel("surviving_neurons", "Who carried the win", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one row a kind of run: the share that survivors carry of every learned feature.

    Args:
        table: Table of `surviving_neurons`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(surviving_neurons(example_study()[-1]), canvas(4, 2)[1][0]).get_yticklabels()[0].get_text()
        'single'
    """
    won = table[table["learned"].astype(bool)]
    kinds = list(won.groupby(["role", "variant"], observed=True))

    for row, (_, features) in enumerate(kinds):
        spread = row + np.linspace(-0.22, 0.22, len(features))
        ax.plot(features["carried"], spread, "o", color=VIEWS[0], alpha=0.5, markersize=4, markeredgewidth=0)
        ax.plot(features["carried_by_first"], spread, ".", color=VIEWS[1], alpha=0.7, markersize=3)
        ax.plot(features["null"].mean(), row, "|", color=MUTED, markersize=22, markeredgewidth=1.6)

    rows_named(ax, [kind_name(str(role), str(variant)) for (role, variant), _ in kinds])
    ax.set(xlim=(-0.02, 1.03), xlabel="share of a feature's final strength")
    null = Line2D([], [], linestyle="none", marker="|", color=MUTED, markeredgewidth=1.6)
    key(
        ax,
        [
            (dot(VIEWS[0]), "surviving neurons"),
            (dot(VIEWS[1]), "strongest at step 0"),
            (null, "random neurons (null)"),
        ],
    )
    return ax


def _share(classes: int, slack: float) -> float:
    """Return 1 - c/log k, at least 0."""
    return max(0.0, 1 - slack / math.log(classes)) if classes > 1 else 0.0


def _neurons(log: LogLike, known: pd.DataFrame, slack: float) -> pd.DataFrame:
    series = race_series(log)
    classes, neurons = series.shape[:2]
    first, last = (_own(np.asarray(log[series.name][row], dtype=float)) for row in (0, len(log.steps) - 1))
    peak = first.max(axis=1, keepdims=True)
    survive = (first >= peak * _share(classes, slack)) & (first > 0)
    leading = (first == peak) & (first > 0)

    values = {
        "survivors": survive.sum(axis=1),
        "neurons": np.full((classes, series.shape[-1]), neurons),
        "carried": _carried(last, survive),
        "carried_by_first": _carried(last, leading),
        "null": survive.mean(axis=1),
        "outside": _over(np.where(survive, 0, last).max(axis=1), last.max(axis=1)),
    }
    return known.reset_index(drop=True).assign(**{name: value.ravel() for name, value in values.items()})


def _own(row: np.ndarray) -> np.ndarray:
    """Return the positive correlations of each class with its own features, ``(class, neuron, view)``."""
    classes = np.arange(len(row))

    return np.asarray(np.maximum(row[classes, :, classes], 0))


def _carried(last: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return _over(np.where(chosen, last, 0).sum(axis=1), last.sum(axis=1))


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)
