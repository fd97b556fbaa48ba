"""What the initialisation predicts against what was learned, counted over classes."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes

from probes.analysis.intervals import rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import INK, VIEWS, WIDTH, canvas
from probes.analysis.plots.marks import cell_axes
from probes.analysis.study import Study, finding
from probes.analysis.theory.findings.winning_set import winning_set
from probes.analysis.theory.roles import of_singles

__all__ = ["COLUMNS", "OUTCOMES", "confusion", "draw", "panel"]

OUTCOMES = ("view 0", "view 1", "both", "none")

COLUMNS = {
    "prediction": "in M: with the gap factor, none where the lead is smaller; ungapped: without it",
    "predicted": "`view 0`, `view 1`, or `none`",
    "learned": "`view 0`, `view 1`, `both` or `none`",
    "count": "number of classes",
    "share": "of the classes with this prediction",
    "low": "lower end of the share's 95 % interval (Wilson)",
    "high": "upper end of the share's 95 % interval",
    "n": "number of classes with this prediction",
    "null": "share of all classes with this outcome, what a prediction without information would give",
}

_TABLE = (*COLUMNS, "rule")
_PREDICTED = ("view 0", "view 1", "none")
_RULE = (
    "in M: the lead at step 0 exceeds the gap factor; ungapped: the larger adjusted peak at step 0, however small its "
    "lead; null: share of all classes with this outcome, what a prediction without information would give; {}"
)


@finding
def confusion(study: Study) -> pd.DataFrame:
    """Return how often each prediction met each outcome, for M and for the prediction without its gap factor.

    The classes of single networks are counted together, or of all runs of `winning_set` where there is no single.

    Args:
        study: A study of the theory, logs, or a path.

    Returns:
        One row per (prediction, predicted, learned): `count` of the `n` classes with that prediction, their `share`
        with Wilson's interval, and the `null`, the share of all classes with that outcome.

    Raises:
        LogError: as `winning_set`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> found = confusion(example_study())
        >>> found[found["prediction"] == "in M"].pivot(index="predicted", columns="learned", values="count")
        learned    both  none  view 0  view 1
        predicted
        none          3     0       1       1
        view 0        0     0      15       0
        view 1        0     0       0      10
    """
    table = of_singles(study, winning_set(study))
    found = pd.DataFrame(_counted(table), columns=list(_TABLE))
    found.attrs["rule"] = _RULE.format(study.rule)

    return found


def panel(study: Study) -> Panel | None:
    """Return the panel of both predictions side by side."""
    table = confusion(study)
    if not len(table):
        return None

    figure, axes = canvas(WIDTH, 2.4, columns=2)
    for ax, (prediction, part) in zip(axes, table.groupby("prediction", sort=True), strict=True):
        draw(part, ax, title=f"{prediction} ({'with' if prediction == 'in M' else 'without'} gap factor)")
    right = table[(table["predicted"] == table["learned"]) & (table["predicted"] != "none")]
    rates = "; ".join(f"{prediction}: {_right(rows)}" for prediction, rows in right.groupby("prediction"))
    outcomes = table[table["prediction"] == "ungapped"].drop_duplicates("learned").set_index("learned")["null"]
    caption = (
        f"Number of classes by the view that was predicted and what was learned. {rates}. A prediction without "
        f"information would be right in {outcomes[['view 0', 'view 1']].max():.1%} at best."
    )
    return Panel("confusion", "What was predicted and what was learned", caption, table, figure)


def draw(table: pd.DataFrame, ax: Axes, *, title: str = "") -> Axes:
    """Return the axes with one cell a (predicted, learned): the number of classes, as dark as its share of the row.

    Args:
        table: Table of `confusion`, of one prediction.
        ax: Where to draw.
        title: What to write above.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> found = confusion(example_study()[-1])
        >>> draw(found[found["prediction"] == "in M"], canvas(3, 3)[1][0]).get_xlabel()
        'learned'
    """
    rows = [predicted for predicted in _PREDICTED if predicted in set(table["predicted"])]
    for predicted, learned, count, share in table[["predicted", "learned", "count", "share"]].itertuples(index=False):
        x, y = OUTCOMES.index(learned), rows.index(predicted)
        right = predicted == learned != "none"
        ax.fill_between([x - 0.47, x + 0.47], y - 0.47, y + 0.47, color=VIEWS[0], alpha=0.75 * share, linewidth=0)
        ax.text(
            x, y, str(count), ha="center", va="center", fontsize=8.5, color=INK, weight="bold" if right else "normal"
        )

    cell_axes(ax, len(OUTCOMES), len(_PREDICTED))
    ax.set(xlabel="learned", ylabel="predicted")
    ax.set_xticks(range(len(OUTCOMES)), OUTCOMES)
    ax.set_yticks(range(len(rows)), ["outside M" if row == "none" else row for row in rows])
    ax.set_title(title, fontsize=8.5)
    return ax


def _counted(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    named = "view " + table["predicted"].astype(str)
    outcome = table["learned"].value_counts(normalize=True)

    for prediction, views in {"in M": named.where(table["winner"].astype(bool), "none"), "ungapped": named}.items():
        for predicted, classes in table.groupby(views):
            for learned in OUTCOMES:
                count = int((classes["learned"] == learned).sum())
                share, low, high, n = rate(count, len(classes))
                yield {
                    "prediction": prediction,
                    "predicted": predicted,
                    "learned": learned,
                    "count": count,
                    "share": share,
                    "low": low,
                    "high": high,
                    "n": n,
                    "null": outcome.get(learned, 0.0),
                    "rule": table["rule"].iloc[0],
                }


def _right(rows: pd.DataFrame) -> str:
    found = rate(int(rows["count"].sum()), int(rows["n"].sum()))

    return f"{found.value:.1%} of {found.n} predictions right ({found.low:.1%} to {found.high:.1%}, Wilson)"
