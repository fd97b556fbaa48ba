"""How near the race was and what became of the loser; what the initialisation predicts against what was learned."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import exponent, usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.intervals import rate
from probes.analysis.taps.frames import endpoints
from probes.analysis.theory.findings.winning_set import winners
from probes.logs.protocol import LogLike

__all__ = ["OUTCOMES", "confusion", "escape_factor", "margins"]

OUTCOMES = ("view 0", "view 1", "both", "none")

_MARGINS = (
    "losing view: the one that is not predicted; growth: its peak at the last step over that at step 0; expected: "
    "(1 - ratio^(q-2))^(-1/(q-2)); null: the same growth of the largest peak on a feature of another class; {}"
)
_CONFUSION = (
    "in M: the lead at step 0 exceeds the gap factor; ungapped: the larger adjusted peak at step 0, however small its "
    "lead; null: share of all classes with this outcome, what a prediction that says nothing would give; {}"
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


def margins(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    r"""Return one row per (run, class): how near the race was, and how far the losing view has come.

    `ratio` is that of `winners`: the losing over the leading peak at initialisation, adjusted by S. The theory lets the
    losing peak end at :math:`y_0 (1 - r^{q-2})^{-1/(q-2)}`: `growth` is measured, `expected` that factor. `start` and
    `end` are the peak itself.

    Args:
        logs: The runs of a study, or one log; those that `winners` leaves out are left out.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: As `winners`, and if a run does not say its exponent q.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> margins(example_study()[-1])[["ratio", "growth", "expected"]].round(2).head(2)
           ratio  growth  expected
        0   0.23    1.47      1.30
        1   0.43    2.62      1.77
    """
    study = usable(logs)
    table = winners(study, rule=rule, frame=frame)
    powers = {log.manifest.run_id: exponent(log) for log in study if log.manifest.run_id in set(table["run"])}
    table = table.assign(view=1 - table["predicted"].astype(int))

    key = ["run", "class", "view"]
    ends = endpoints(study, frame=frame).assign(run=lambda rows: rows["run"].astype(object))
    first = table[key].merge(ends.drop_duplicates(key, keep="first"), on=key)
    last = table[key].merge(ends.drop_duplicates(key, keep="last"), on=key)
    pairs = zip(table["ratio"], table["run"].map(powers), strict=True)

    table = table.assign(
        q=table["run"].map(powers),
        start=first["peak"],
        end=last["peak"],
        growth=_over(last["peak"], first["peak"]),
        expected=[float(escape_factor(ratio, q)) for ratio, q in pairs],
        null=_over(last["off_peak"], first["off_peak"]),
    ).reindex(columns=list(TABLES["margins"]))
    table.attrs["rule"] = _MARGINS.format(rule)
    return table


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often each prediction met each outcome, for M and for the prediction without its gap factor.

    Args:
        table: Table of `winners`; its runs are counted together.

    Returns:
        One row per (prediction, predicted, learned): `count` of the `n` classes with that prediction, their `share`
        with Wilson's interval, and the `null`, the share of all classes with that outcome.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> from probes.analysis import winners
        >>> found = confusion(winners(example_study()[-5:]))
        >>> found[found["prediction"] == "in M"].pivot(index="predicted", columns="learned", values="count")
        learned    both  none  view 0  view 1
        predicted
        none          3     0       1       1
        view 0        0     0      15       0
        view 1        0     0       0      10
    """
    found = pd.DataFrame(_confused(table), columns=list(TABLES["confusion"]))
    found.attrs["rule"] = _CONFUSION.format(", ".join(map(str, table["rule"].unique())))

    return found


def _confused(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    named = "view " + table["predicted"].astype(str)
    outcome = table["learned"].value_counts(normalize=True)

    for prediction, said in {"in M": named.where(table["winner"].astype(bool), "none"), "ungapped": named}.items():
        for predicted, classes in table.groupby(said):
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


def _over(last: "pd.Series[float]", first: "pd.Series[float]") -> "pd.Series[float]":
    """Return last / first, NaN where there was nothing at first."""
    return last.astype(float) / first.where(first > 0).astype(float)
