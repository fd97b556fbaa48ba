"""How well the initialisation predicts what is learned: accuracy or area under the ROC curve, beside their null."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from probes.analysis.findings.features import features
from probes.analysis.findings.learned import learned
from probes.analysis.intervals import ENDS, Estimate, bootstrapped, rate
from probes.analysis.panel import Panel
from probes.analysis.study import Study, finding
from probes.analysis.taps.tap import Tap

__all__ = ["COLUMNS", "initial_peaks", "panel", "prediction", "said"]

COLUMNS = {
    "measure": "accuracy: share of races with one winner whose winner has the largest peak at step 0; auc: area under "
    "the ROC curve of the peak at step 0 for what is learned, mean over runs",
    "chance": "what a prediction that knows nothing gets: 1 / alternatives, or 0.5",
    "null_low": "2.5th percentile where initialisations are handed to other runs at random",
    "null_high": "97.5th percentile of the same",
    "p_value": "share of these permutations that reach the measured value",
}

_PERMUTATIONS = 1999
_TABLE = ("measure", "value", "low", "high", "n", "chance", "null_low", "null_high", "p_value")


@finding
def prediction(study: Study, tap: str | None = None) -> pd.DataFrame:
    """Return in one row how well the peaks at step 0 tell what the members will have learned, beside its null.

    Of alternatives the accuracy, over the races of members that learned exactly one of them; else the area under the
    ROC curve, mean over members that learned some features and not others. The interval is a bootstrap over runs; with
    fewer than three, or equal ones, Wilson's over races, or Newcombe's over pairs of features. The null hands the
    initialisation of each member to another one, feature by feature, so that what makes a feature easy for every run
    tells nothing; with fewer than three members, to other features of the same run.

    Args:
        study: A study, logs, or a path.
        tap: The series; the only one, or "correlations", where it is not given.

    Raises:
        LogError: there is no such tap, or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> prediction(Study(example_study()))[["measure", "value", "chance"]].values.tolist()
        [['accuracy', 1.0, 0.5]]
    """
    chosen = study.tap(tap)
    members = [log.label for log in study.with_tap(chosen, study.members) if not log.manifest.continues]
    table = learned(study, chosen.name)
    table = table[table["run"].isin(members)].reset_index(drop=True)
    initial = initial_peaks(study, chosen, table)
    count = table["run"].nunique()

    shape = (count, chosen.features // chosen.alternatives, chosen.alternatives)
    known, peaks = (np.asarray(values).reshape(shape) for values in (table["learned"].to_numpy(bool), initial))
    row = _accuracy(known, peaks) if chosen.groups else _area(known[..., 0], peaks[..., 0])
    return pd.DataFrame([] if row is None else [row], columns=list(_TABLE))


def initial_peaks(study: Study, tap: Tap, table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the peak at step 0 of every row; the strength where no units were recorded, NaN without step 0."""
    start = features(study, tap.name)
    start = start[start["step"] == 0]
    statistic = "peak" if tap.units else "strength"
    known = start.set_index(["run", *tap.columns])[statistic]

    found = known.reindex(pd.MultiIndex.from_frame(table[["run", *tap.columns]]))
    return np.asarray(found, dtype=float)


def said(table: pd.DataFrame) -> str:
    """Return the table of `prediction` in a sentence."""
    if table.empty:
        return "What the initialisation predicts cannot be measured: nothing was won, everything, or step 0 is missing."
    row = table.iloc[0]
    what = (
        f"its largest peak at step 0 is the winner in {row['value']:.1%} of {row['n']} races with one winner"
        if row["measure"] == "accuracy"
        else f"area under the ROC curve of the peak at step 0, mean over {row['n']} members, {row['value']:.3f}"
    )
    return (
        f"What the initialisation predicts: {what} ({row['low']:.3f} to {row['high']:.3f}); chance "
        f"{row['chance']:.3g}; with initialisations handed to others {row['null_low']:.3f} to {row['null_high']:.3f}, "
        f"p = {row['p_value']:.2g}."
    )


def _accuracy(known: NDArray[np.bool_], peaks: NDArray[np.float64]) -> dict[str, object] | None:
    """Return the row of alternatives; both are ``(run, set, alternative)``."""
    started = ~np.isnan(peaks).any(axis=(1, 2))
    known, peaks = known[started], peaks[started]
    decided = known.sum(axis=2) == 1
    if not decided.any():
        return None
    won, first = known.argmax(axis=2), peaks.argmax(axis=2)
    right = (won == first) & decided
    draws = [float(((won == one) & decided).sum() / decided.sum()) for one in _permuted(first)]

    hits, races = (part.sum(axis=1)[decided.any(axis=1)] for part in (right, decided))
    found = bootstrapped(np.arange(len(hits)), lambda runs, axis: _pooled(hits, races, runs, axis))
    if len(hits) < 3 or not found.low < found.high:  # resampling a few runs, or equal ones, says nothing
        found = rate(int(hits.sum()), int(races.sum()))
    return _row("accuracy", found._replace(n=int(races.sum())), 1 / known.shape[2], draws)


def _pooled(
    hits: NDArray[np.integer], races: NDArray[np.integer], runs: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    """Return the share of the races of drawn runs that are right."""
    chosen = runs.astype(int)

    return np.asarray(hits[chosen].sum(axis=axis) / races[chosen].sum(axis=axis))


def _area(known: NDArray[np.bool_], peaks: NDArray[np.float64]) -> dict[str, object] | None:
    """Return the row of features without alternatives; both are ``(run, feature)``."""
    mixed = known.any(axis=1) & ~known.all(axis=1) & ~np.isnan(peaks).any(axis=1)
    if not mixed.any():
        return None
    known, peaks = known[mixed], peaks[mixed]
    areas = _areas(known, stats.rankdata(peaks, axis=1))
    draws = [float(_areas(known, stats.rankdata(one, axis=1)).mean()) for one in _permuted(peaks)]

    found = bootstrapped(areas, np.mean)
    if len(areas) < 3 or not found.low < found.high:
        low, high = _area_interval(float(areas.mean()), int(known.sum()), int((~known).sum()))
        found = found._replace(low=low, high=high)
    return _row("auc", found, 0.5, draws)


def _area_interval(area: float, learned: int, others: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the ROC curve: where it is as far away as its standard error allows.

    `Newcombe, 2006 <https://doi.org/10.1002/sim.2324>`_, method 5, with the standard error of Hanley & McNeil (1982) at
    the end itself, so that it has a width where everything is predicted, too.
    """
    reach = stats.norm.ppf(ENDS[1])
    mean = (learned + others) / 2 - 1

    def beyond(end: float) -> float:
        variance = 1 + mean * ((1 - end) / (2 - end) + end / (1 + end))
        return float(abs(area - end) - reach * np.sqrt(end * (1 - end) * variance / (learned * others)))

    inside = min(max(area, 1e-9), 1 - 1e-9)  # at 0 and 1 themselves there is no standard error
    low = optimize.brentq(beyond, 0, inside) if area > 0 else 0.0
    high = optimize.brentq(beyond, inside, 1) if area < 1 else 1.0
    return float(low), float(high)


def _areas(known: NDArray[np.bool_], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of every run, by the ranks of what it has learned (Mann & Whitney, 1947)."""
    won = known.sum(axis=1)
    above = (ranks * known).sum(axis=1) - won * (won + 1) / 2

    return np.asarray(above / (won * (known.shape[1] - won)))


def _permuted(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Return the values ``(run, feature)``, those of each feature among runs, or those of each run among features."""
    draw = np.random.default_rng(0)
    axis = 0 if len(values) > 2 else 1

    return [draw.permuted(values, axis=axis) for _ in range(_PERMUTATIONS)]


def _row(measure: str, estimate: Estimate, chance: float, draws: Sequence[float]) -> dict[str, object]:
    low, high = np.quantile(draws, ENDS)
    p = (1 + sum(one >= estimate.value for one in draws)) / (1 + len(draws))

    found = (measure, *estimate, chance, float(low), float(high), float(p))
    return dict(zip(_TABLE, found, strict=True))


def panel(study: Study, tap: Tap) -> Panel | None:
    """Return the panel of how well the initialisation predicts what is learned, a table of one row."""
    table = prediction(study, tap.name)

    return Panel("prediction", "What the initialisation predicts", said(table), table) if len(table) else None
