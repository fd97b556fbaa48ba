r"""How likely each feature is to be won: from the runs that did, and from the lottery of the initialisation.

Two estimates of one chance. From the runs: n of them, c learned the feature. From the lottery: a class is won by the
view whose adjusted peak is the larger one; its peaks are the largest of m normal draws, so with :math:`\phi` the
distribution function of one draw and :math:`s_\ell = S_{i,\ell}^{1/(q-2)}`

.. math::
    p_i = P(\Lambda_0 s_0 > \Lambda_1 s_1) = \int \phi(x s_0 / s_1)^m \, d\phi(x)^m.

With one view a class, K independent members leave view 0 uncovered with probability :math:`(1-p_i)^K` and view 1 with
:math:`p_i^K`: their union covers :math:`1 - \frac{1}{2k} \sum_i (p_i^K + (1-p_i)^K)`, which is 1 - 2^-K where every
:math:`p_i` is 1/2 and less wherever one is not. In general it is the mean over features of 1 - (1 - p)^K.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from probes.analysis.intervals import bootstrapped
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, MUTED, VIEWS, WIDTH, canvas, key, stroke
from probes.analysis.shares import WinShares
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.error_rates import errors_of
from probes.analysis.theory.findings.uncovered import uncovered
from probes.analysis.theory.findings.winning_set import winning_set
from probes.analysis.theory.measurement import Measurement, units
from probes.analysis.theory.recipe import correlation_series, exponent, moments
from probes.analysis.theory.roles import ensemble_members, race_sets, singles, with_role
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["CLAIMS", "COLUMNS", "draw", "lottery", "lottery_chances", "mean_chances", "panel", "win_chance"]

COLUMNS = {
    "runs": "number of runs",
    "won": "number of runs that learned the feature",
    "probability": "chance of the feature to be learned by a run, from the runs",
    "low": "lower end of its 95 % credible interval",
    "high": "upper end of its 95 % credible interval",
    "lottery": "chance that the initialisation's lottery gives it by S, q and m alone",
}

_TABLE = ("class", "view", *COLUMNS, "rule")
_VIEWS = ("view 0", "view 1")
_POINTS = 2048
_RULE = (
    "probability: share of {} runs that learned the feature, drawn towards the mean of all features (beta prior of "
    "unknown weight), with its 95 % credible interval; lottery: from S, q and m alone; null: 1/2; {}"
)


def win_chance(ratio: ArrayLike, neurons: int) -> NDArray[np.float64]:
    r"""Return the probability that a view wins whose adjusting factor is ``ratio`` times that of the other view.

    Args:
        ratio: :math:`(S_{i,\ell}/S_{i,3-\ell})^{1/(q-2)}`, any shape.
        neurons: m, per class.

    Example:
        >>> win_chance([1.0, 1.1, 2.0], 10).round(2).tolist()
        [0.5, 0.57, 0.89]
    """
    quantiles = (np.arange(_POINTS) + 0.5) / _POINTS
    peaks = stats.norm.ppf(quantiles ** (1 / neurons))

    above = stats.norm.cdf(peaks * np.asarray(ratio, dtype=float)[..., None]) ** neurons
    return np.asarray(above.mean(axis=-1), dtype=float)


def lottery_chances(log: LogLike) -> NDArray[np.float64]:
    """Return the chance that the run's initialisation gives each feature, ``(class, view)``; NaN where S is unknown.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> lottery_chances(example_study()[-1]).sum(axis=1).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    series, moment = correlation_series(log), moments(log)
    classes, neurons, _, views = series.shape
    if moment is None or views != 2 or moment.shape != (classes, views):
        return np.full((classes, views), np.nan)
    try:
        power = 1 / (exponent(log) - 2)
    except LogError:
        return np.full((classes, views), np.nan)

    first = win_chance((moment[:, 0] / moment[:, 1]) ** power, neurons)
    return np.stack([first, 1 - first], axis=1)


@finding
def lottery(study: Study) -> pd.DataFrame:
    """Return one row per (class, view): how many members learned it, and the chance of it, by the runs and by theory.

    The members are the singles, or all runs where there is no single.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or runs disagree on features.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> lottery(example_study())[["runs", "won", "probability", "lottery"]].round(2).values.tolist()[0]
        [5.0, 4.0, 0.6, 0.54]
    """
    members = ensemble_members(study)
    if not members:
        return pd.DataFrame(columns=list(_TABLE))
    known = race_sets(study, members)
    shares = WinShares(known.sum(axis=0), len(members))
    classes, views = known.shape[1:]
    low, high = shares.interval()

    table = pd.DataFrame({
        "class": np.repeat(np.arange(classes), views),
        "view": np.tile(np.arange(views), classes),
        "runs": len(members),
        "won": shares.counts.ravel(),
        "probability": shares.mean.ravel(),
        "low": low.ravel(),
        "high": high.ravel(),
        "lottery": mean_chances(members).ravel(),
        "rule": str(study.rule),
    })
    table.attrs["rule"] = _RULE.format(len(members), study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of each class's chances; None where a class has not two views."""
    table = lottery(study)
    if not len(table) or table["view"].nunique() != 2:
        return None

    figure, axes = canvas(WIDTH, 3)
    draw(table, axes[0])
    bare, runs = uncovered(study), table["runs"].iloc[0]
    listed = ", ".join(
        f"view {view} of class {class_}" for class_, view in zip(bare["class"], bare["view"], strict=True)
    )
    caption = (
        f"How often {runs} runs learned view 0 of each class. Filled: chance of another run, drawn towards the mean of "
        "all features; dash: the chance that m normal draws a view give, weighed by S. Features that no run has: "
        f"{len(bare)} of {len(table)}{': ' + listed if listed else ''}; fair coins leave {0.5**runs * len(table):.2g}."
    )
    return Panel("lottery", "How the lottery fell", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with one column a class: chance of view 0 from the runs with its interval, and by the lottery.

    Args:
        table: Table of `lottery`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(lottery(example_study()), canvas(4, 3)[1][0]).get_xlabel()
        'class'
    """
    first = table[table["view"] == 0]
    ax.axhline(0.5, color=MUTED, linewidth=1)
    ax.vlines(first["class"], first["low"], first["high"], color=VIEWS[0], linewidth=1.4)
    (dots,) = ax.plot(first["class"], first["probability"], "o", color=VIEWS[0], markersize=4.5)
    (shares,) = ax.plot(first["class"], first["won"] / first["runs"], "o", color=VIEWS[0], markersize=4, mfc="none")
    (ticks,) = ax.plot(first["class"], first["lottery"], "_", color=INK, markersize=10, markeredgewidth=1.8)

    ax.set(xlabel="class", ylabel="chance that view 0 is learned", ylim=(-0.03, 1.03))
    names = ("from the runs, 95 %", "share of the runs", "lottery of the initialisation")
    key(ax, [*zip((dots, shares, ticks), names, strict=True), (stroke(MUTED), "fair coin")])
    return ax


def mean_chances(logs: Sequence[LogLike]) -> NDArray[np.float64]:
    """Return the mean over runs of `lottery_chances`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> mean_chances(example_study()[:1]).shape
        (6, 2)
    """
    return np.asarray(np.mean([lottery_chances(log) for log in logs], axis=0))


def _favoured(study: Study) -> Iterator[Measurement]:
    chances = _chances(study)
    table = winning_set(study)
    table = table[(table["role"] == "single") & table["learned"].isin(_VIEWS) & table["class"].isin(chances.index)]
    if len(table):
        own = chances.loc[table["class"]]
        won = table["learned"].to_numpy() == np.array(_VIEWS)[own.to_numpy().argmax(axis=1)]
        chance = own.max(axis=1).to_numpy()
        excess, what = units(pd.Series(won - chance), table["run"].reset_index(drop=True), "mean")
        note = (
            f"share of {len(table)} classes that learned one view, the one with the larger S: {won.mean():.3f}, less "
            f"{chance.mean():.3f} by the lottery of the initialisation; n: {what}; interval: bootstrap of the mean "
            f"over {what}"
        )
        yield Measurement(bootstrapped(excess, np.mean), note)


def _self_distilled(study: Study) -> Iterator[Measurement]:
    chances = _chances(study)
    for variant, logs in with_role(study, "self_distilled").items():
        errors = [error.value for error in errors_of(study, logs)]
        if errors and len(chances):
            uncovered_share = 0.5 * float(chances.pow(2).sum(axis=1).mean())
            note = (
                f"error, mean of {len(errors)} pairs, less what the lottery leaves to two winners, "
                f"{uncovered_share:.3f}; n: pairs; interval: bootstrap of the mean over pairs"
            )
            yield Measurement(bootstrapped(np.array(errors) - uncovered_share, np.mean), note, variant)


def _pairs_covered(study: Study) -> Iterator[Measurement]:
    table = _of_singles(study)
    table = table[table["runs"] > 1]
    if len(table):
        runs, lost = table["runs"], table["runs"] - table["won"]
        excess = (1 - table["lottery"]) ** 2 - lost * (lost - 1) / (runs * (runs - 1))
        note = (
            f"coverage of all pairs of {runs.iloc[0]} runs less what the lottery of the initialisation (S, q and m "
            "alone) gives; n: classes; interval: bootstrap of the mean over classes"
        )
        yield Measurement(bootstrapped(excess.groupby(table["class"]).mean(), np.mean), note)


def _chances(study: Study) -> pd.DataFrame:
    """Return the chance that S, q and m alone give each view: one row per class, of studies with single models."""
    return _of_singles(study).pivot_table(index="class", columns="view", values="lottery")


def _of_singles(study: Study) -> pd.DataFrame:
    """Return the rows whose lottery is known; none where the study has no single model."""
    table = lottery(study)

    return (table if singles(study) else table.head(0)).dropna(subset="lottery")


CLAIMS: Mapping[str, Callable[[Study], Iterator[Measurement]]] = {
    "coverage.as_drawn": _pairs_covered,
    "lottery.favoured_view": _favoured,
    "lottery.self_distilled_mu": _self_distilled,
}
