"""How near the race of each class was, and how far the losing view has come."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.findings.features import ends
from probes.analysis.intervals import bootstrapped
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import BAD, INK, MUTED, VIEWS, canvas, key, logarithmic, stroke
from probes.analysis.plots.marks import dot
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.winning_set import winning_set
from probes.analysis.theory.recipe import exponent
from probes.analysis.theory.roles import WHO, of_singles, race_features

__all__ = ["COLUMNS", "draw", "escape_factor", "margins", "panel"]

COLUMNS = {
    "view": "the losing view: the one that is not predicted",
    "winner": "whether the leading view is in M, that is, whether its lead also exceeds the gap factor",
    "q": "exponent of the activation",
    "ratio": "losing over winning adjusted peak at initialisation, in [0, 1]",
    "start": "peak of the losing view at step 0",
    "end": "peak of the losing view at the last step",
    "growth": "end / start",
    "expected": "what the theory expects of the growth, (1 - ratio^(q-2))^(-1/(q-2))",
    "null": "the same growth of the largest peak on a feature of another class",
    "learned": "`view 0`, `view 1`, `both` or `none`",
}

_TABLE = (*WHO, "class", *COLUMNS, "rule")
_KEY = ["run", "class", "view"]
_RULE = (
    "losing view: the one that is not predicted; growth: its peak at the last step over that at step 0; expected: "
    "(1 - ratio^(q-2))^(-1/(q-2)); null: the same growth of the largest peak on a feature of another class; {}"
)


def escape_factor(ratio: np.ndarray, q: int) -> np.ndarray:
    r"""Return :math:`(1 - r^{q-2})^{-1/(q-2)}`, by how much the losing peak grows until the winner escapes.

    Both peaks follow :math:`\dot x \propto x^{q-1}`, so that :math:`x^{-(q-2)} - y^{-(q-2)}` never changes (in units in
    which both rates are equal): when x escapes to infinity, y has grown by this factor. It is infinite for a tie.

    Example:
        >>> escape_factor(np.array([0.0, 0.5, 1.0]), 3).tolist()
        [1.0, 2.0, inf]
    """
    with np.errstate(divide="ignore"):
        return np.asarray((1 - np.asarray(ratio, dtype=float) ** (q - 2)) ** (-1 / (q - 2)))


@finding
def margins(study: Study) -> pd.DataFrame:
    r"""Return one row per (run, class): how near the race was, and how far the losing view has come.

    `ratio` is that of `winning_set`: the losing over the leading peak at initialisation, adjusted by S. The theory lets
    the losing peak end at :math:`y_0 (1 - r^{q-2})^{-1/(q-2)}`: `growth` is measured, `expected` that factor. `start`
    and `end` are the peak itself. Runs that `winning_set` leaves out are left out.

    Args:
        study: A study of the theory, logs, or a path.

    Raises:
        LogError: as `winning_set`, and if a run does not state its exponent q.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> margins(example_study()[-1])[["ratio", "growth", "expected"]].round(2).head(2)
           ratio  growth  expected
        0   0.23    1.47      1.30
        1   0.43    2.62      1.77
    """
    table = winning_set(study)
    powers = {log.label: exponent(log) for log in study.usable if log.label in set(table["run"])}
    table = table.assign(view=1 - table["predicted"].astype(int))

    rows = ends(race_features(study)).astype({"run": object})
    first = table[_KEY].merge(rows.drop_duplicates(_KEY, keep="first"), on=_KEY)
    last = table[_KEY].merge(rows.drop_duplicates(_KEY, keep="last"), on=_KEY)
    pairs = zip(table["ratio"], table["run"].map(powers), strict=True)

    table = table.assign(
        q=table["run"].map(powers),
        start=first["peak"],
        end=last["peak"],
        growth=_over(last["peak"], first["peak"]),
        expected=[float(escape_factor(ratio, q)) for ratio, q in pairs],
        null=_over(last["off_peak"], first["off_peak"]),
    ).reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def panel(study: Study) -> Panel | None:
    """Return the panel of single networks, or of all runs with an initialisation of their own."""
    table = of_singles(study, margins(study))
    if not len(table):
        return None

    figure, axes = canvas(5.4, 3.4)
    draw(table, axes[0])
    above = (table["growth"] / table["expected"]).where(table["expected"] < np.inf).dropna()
    middle = bootstrapped(above.groupby(table["run"], observed=True).median(), np.median)
    caption = (
        f"{len(table)} classes of {table['run'].nunique()} runs: by how much the peak of the losing view has grown at "
        "the end, against how near the race was. The line is what the theory lets it grow until the winner escapes, "
        f"(1 - r^(q-2))^(-1/(q-2)); the loser ends at {middle.value:.2f} times that (median; "
        f"{middle.reach('.2f')}, bootstrap over runs). Grey: the largest peak on a feature of another class."
    )
    return Panel("margins", "How near the race was", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes) -> Axes:
    """Return the axes with the growth of the losing peak against the ratio at initialisation, and the escape curve.

    Args:
        table: Table of `margins`.
        ax: Where to draw.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> draw(margins(example_study()[-1]), canvas(4, 3)[1][0]).get_yscale()
        'log'
    """
    ratio = np.linspace(0, min(0.999, table["ratio"].max()), 200)
    for name, colour, rows in _by_outcome(table):
        ax.plot(rows["ratio"], rows["growth"], "o", color=colour, markersize=4, alpha=0.75, label=name)
    ax.plot(table["ratio"], table["null"], ".", color=MUTED, markersize=3)
    for q in table["q"].unique():
        ax.plot(ratio, escape_factor(ratio, int(q)), color=INK, linewidth=1.2)

    ax.set(xlabel="losing over leading peak at step 0, adjusted", ylabel="losing peak, last over first step")
    ax.set_xlim(0, 1.02)
    logarithmic(ax)
    found = [(dot(colour), name) for name, colour, rows in _by_outcome(table) if len(rows)]
    key(ax, [*found, (stroke(INK, 1.2), "theory"), (dot(MUTED), "another class (null)")], columns=3)
    return ax


def _by_outcome(table: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Split classes by what was learned: the predicted view alone, both, or another outcome."""
    predicted = "view " + (1 - table["view"].astype(int)).astype(str)
    agrees, both = table["learned"] == predicted, table["learned"] == "both"
    kinds = {"as predicted": agrees, "both learned": both, "another outcome": ~agrees & ~both}

    return [(name, colour, table[chosen]) for colour, (name, chosen) in zip((*VIEWS, BAD), kinds.items(), strict=True)]


def _over(last: "pd.Series[float]", first: "pd.Series[float]") -> "pd.Series[float]":
    """Return last / first, NaN where there was nothing at first."""
    return last.astype(float) / first.where(first > 0).astype(float)
