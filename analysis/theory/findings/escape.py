"""How well the escape times that the theory predicts give the order and the pace of what was learned."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from probes.analysis.intervals import bootstrapped
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import VIEWS, canvas
from probes.analysis.plots.marks import diagonal
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.timing import timing
from probes.analysis.theory.roles import WHO

__all__ = ["COLUMNS", "draw", "escape", "panel"]

COLUMNS = {
    "rank_correlation": "Spearman's, of crossing and escape_time",
    "p_value": "two-sided, against the null that order and prediction have nothing to do with each other",
    "pace": "median of crossing / escape_time",
    "low": "lower end of the pace's 95 % interval",
    "high": "upper end of the pace's 95 % interval",
    "n": "number of features that the run learned",
}

_TABLE = (*WHO, *COLUMNS, "rule")
_RULE = (
    "rank_correlation: Spearman's, of crossing and escape_time over the features that a run learned; null: 0, the "
    "order has nothing to do with the prediction, p_value against it; pace: median of crossing / escape_time, "
    "interval by bootstrap over features; {}"
)


@finding
def escape(study: Study, *, every: int | None = None) -> pd.DataFrame:
    """Return one row per run: how well the predicted escape times give the order and the pace of what was learned.

    A run that learned fewer than three features with a predicted time has no row.

    Args:
        study: A study of the theory, logs, or a path.
        every: Look at every so many-th recorded step, 1 for all; by default at about 200 steps a run.

    Raises:
        LogError: as `probes.analysis.theory.findings.timing.timing`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> found = escape(example_study()[-1])
        >>> found[["rank_correlation", "n"]].round(2).to_numpy().tolist()
        [[0.93, 6.0]]
    """
    table = timing(study, every=every)
    found = pd.DataFrame(_rows(table), columns=list(_TABLE))
    found.attrs["rule"] = _RULE.format(table.attrs["rule"])

    return found


def panel(study: Study) -> Panel | None:
    """Return the panel of measured against predicted times; None where no run has any."""
    found = escape(study)
    if not len(found):
        return None

    shown = _predicted(timing(study))
    figure, axes = canvas(3.8, 3.6)
    draw(shown, axes[0])
    pace, order = (bootstrapped(found[name], np.median) for name in ("pace", "rank_correlation"))
    caption = (
        "The step at which a feature is learned for good, against the escape time that the theory predicts from its "
        f"initial peak, S and the learning rate. Measured over predicted: {pace.value:.2f} (median over {pace.n} runs; "
        f"{pace.reach('.2f')}, bootstrap). Rank correlation within a run: {order.value:.2f} "
        f"({order.reach('.2f')}); p against the null 0 is at most {found['p_value'].max():.1g}."
    )
    return Panel("escape", "How long the race takes", caption, shown, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with measured crossing against predicted escape time, one dot a feature, and the diagonal.

    Args:
        table: Table of `timing`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(timing(example_study()[-1]), canvas(3, 3)[1][0]).get_ylabel()
        'learned at step'
    """
    shown = table[["escape_time", "crossing", "crossing_after"]].dropna().astype(float)
    reach = 1.08 * max(1.0, shown[["escape_time", "crossing"]].max().max()) if len(shown) else 1.0

    diagonal(ax, reach)
    ax.vlines(shown["escape_time"], shown["crossing_after"], shown["crossing"], color=VIEWS[0], linewidth=1)
    ax.plot(shown["escape_time"], shown["crossing"], "o", color=VIEWS[0], alpha=0.6, markersize=4, markeredgewidth=0)

    ax.set(xlabel="predicted escape time T₀ (steps)", ylabel="learned at step")
    return ax


def _predicted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the features that were learned and whose time is predicted."""
    return table[table["crossing"].notna() & np.isfinite(table["escape_time"].astype(float))]


def _rows(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    for who, rows in _predicted(table).groupby(list(WHO), observed=True):
        crossing, predicted = rows["crossing"].to_numpy(dtype=float), rows["escape_time"].to_numpy(dtype=float)
        if len(rows) > 2:
            correlation = stats.spearmanr(crossing, predicted)
            pace, low, high, n = bootstrapped(crossing / predicted, np.median)
            yield {
                **dict(zip(WHO, who, strict=True)),
                "rank_correlation": float(correlation.statistic),
                "p_value": float(correlation.pvalue),
                "pace": pace,
                "low": low,
                "high": high,
                "n": n,
                "rule": rows["rule"].iloc[0],
            }
