"""The report's figures of how a network learns: its race, its timing, what moved its features, what it memorised."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from probes.analysis import plots
from probes.analysis.intervals import bootstrapped, rate
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.evidence import Evidence

__all__ = ["DYNAMICS"]

_WIDTH = 7.6
_KEY = ["run", "class", "view"]


def _margins(evidence: Evidence) -> Panel | None:
    table = _singles(evidence, evidence.margins)
    if not len(table):
        return None

    figure, axes = canvas(5.4, 3.4)
    plots.margins(table, axes[0])
    above = (table["growth"] / table["expected"]).where(table["expected"] < np.inf).dropna()
    middle = bootstrapped(above.groupby(table["run"], observed=True).median(), np.median)
    caption = (
        f"{len(table)} classes of {table['run'].nunique()} runs: by how much the peak of the losing view has grown at "
        "the end, against how near the race was. The line is what the theory lets it grow until the winner escapes, "
        f"(1 - r^(q-2))^(-1/(q-2)); the loser ends at {middle.value:.2f} times that (median; {middle.low:.2f} to "
        f"{middle.high:.2f}, bootstrap over runs). Grey: the largest peak on a feature of another class."
    )
    return Panel("margins", "How near the race was", caption, table, figure)


def _confusion(evidence: Evidence) -> Panel | None:
    table = evidence.confusion
    if not len(table):
        return None

    figure, axes = canvas(_WIDTH, 2.4, columns=2)
    for ax, (prediction, part) in zip(axes, table.groupby("prediction", sort=True), strict=True):
        plots.confusion(part, ax, title=f"{prediction} ({'with' if prediction == 'in M' else 'without'} gap factor)")
    right = table[(table["predicted"] == table["learned"]) & (table["predicted"] != "none")]
    told = "; ".join(f"{prediction}: {_right(rows)}" for prediction, rows in right.groupby("prediction"))
    outcomes = table[table["prediction"] == "ungapped"].drop_duplicates("learned").set_index("learned")["null"]
    caption = (
        f"Number of classes by the view that was predicted and what was learned. {told}. A prediction that says "
        f"nothing would be right in {outcomes[['view 0', 'view 1']].max():.1%} at best."
    )
    return Panel("confusion", "What was predicted and what was learned", caption, table, figure)


def _right(rows: pd.DataFrame) -> str:
    found = rate(int(rows["count"].sum()), int(rows["n"].sum()))

    return f"{found.value:.1%} of {found.n} predictions right ({found.low:.1%} to {found.high:.1%}, Wilson)"


def _kept_alive(evidence: Evidence) -> Panel | None:
    table = evidence.kept_alive
    won = table[table["learned"].astype(bool)]
    if not len(won):
        return None

    figure, axes = canvas(_WIDTH, 0.9 + 0.45 * len(list(_kinds(won))))
    plots.kept_alive(table, axes[0])
    single = _singles(evidence, won)
    carried = bootstrapped(single.groupby("run", observed=True)["carried"].mean(), np.mean)
    caption = (
        "Share of each learned feature's final strength in the neurons that the theory keeps alive: those whose "
        f"correlation at step 0 is near the peak ({single['kept'].mean():.1f} of {single['neurons'].mean():.0f} on "
        f"average). They carry {carried.value:.1%} of it ({carried.low:.1%} to {carried.high:.1%}, bootstrap over "
        f"{carried.n} runs), the strongest one alone {single['carried_by_first'].mean():.1%}; as many neurons picked "
        f"at random would carry {single['null'].mean():.1%}."
    )
    return Panel("kept_alive", "Who carried the win", caption, table, figure)


def _escape(evidence: Evidence) -> Panel | None:
    table, found = evidence.timing, evidence.escape
    if not len(found):
        return None

    shown = table[np.isfinite(table["escape_time"].astype(float)) & table["crossing"].notna()]
    figure, axes = canvas(3.8, 3.6)
    plots.escape(shown, axes[0])
    pace, order = (bootstrapped(found[name], np.median) for name in ("pace", "rank_correlation"))
    caption = (
        "The step at which a feature is learned for good, against the escape time that the theory predicts from its "
        f"initial peak, S and the learning rate. Measured over predicted: {pace.value:.2f} (median over {pace.n} runs; "
        f"{pace.low:.2f} to {pace.high:.2f}, bootstrap). Rank correlation within a run: {order.value:.2f} "
        f"({order.low:.2f} to {order.high:.2f}); p against the null 0 is at most {found['p_value'].max():.1g}."
    )
    return Panel("escape", "How long the race takes", caption, shown, figure)


def _timing(evidence: Evidence) -> Panel | None:
    table = evidence.timing
    if not table["crossing"].notna().any():
        return None

    figure, axes = canvas(_WIDTH, 1.0 + 0.25 * len(evidence.phases))
    plots.phases(evidence.phases, axes[0], crossings=table)
    caption = (
        "Race: no view is learned yet. Growth: until the training loss stays at or below μ log k, what single-view "
        f"data costs at chance. Memorisation: after. {_late(evidence)}"
    )
    return Panel("timing", "When features are learned", caption, table, figure)


def _forces(evidence: Evidence) -> Panel | None:
    shares = evidence.force_shares
    if not len(shares):
        return None

    missing = evidence.growth[~evidence.growth["own"].astype(bool) & evidence.growth["taught"].astype(bool)]
    drawn = evidence.forces.merge(missing[_KEY], on=_KEY)
    kinds = {_kind(role, variant): rows for (role, variant), rows in _kinds(drawn)}
    figure = plots.forces_beside(kinds) if kinds else None
    caption = (
        "What labels and teacher have added to features that a run's own initialisation does not win and a teacher had "
        f"learned. Thin: one feature of one run; bold: their median. {_taught(shares.merge(missing[_KEY], on=_KEY))} "
        f"Sums of both reproduce what each strength gained to {_residual(shares):.1g} of it at worst."
    )
    return Panel("forces", "What moved each feature", caption, shares, figure)


def _memorisation(evidence: Evidence) -> Panel | None:
    table = evidence.memorisation
    shown = _singles(evidence, table)
    if not len(shown):
        return None

    figure, axes = canvas(_WIDTH, 3.2, columns=2)
    plots.memorisation(shown, axes[0])
    plots.error_against_coverage(shown, axes[1])
    caption = (
        f"{shown['run'].nunique()} runs without a teacher. Left: strength summed over all features, and noise of "
        "training samples memorised by the neurons of their class, each as a share of its last value; grey, on the "
        f"scale of the features: strength on features of other classes. {_still(shown)} Right: training error against "
        "the share of features learned, one path a run. " + _late(evidence)
    )
    return Panel("memorisation", "What was learned by heart", caption, table, figure)


# By what a report calls them where they cannot be made.
DYNAMICS: Mapping[str, Callable[[Evidence], Panel | None]] = {
    "what was predicted and what was learned": _confusion,
    "how near the race was": _margins,
    "who carried the win": _kept_alive,
    "when features are learned": _timing,
    "how long the race takes": _escape,
    "what moved each feature": _forces,
    "what was learned by heart": _memorisation,
}


def _singles(evidence: Evidence, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single networks, or all where the study has none."""
    return table[table["role"] == "single"] if evidence.with_role("single") else table


def _untaught(evidence: Evidence) -> Sequence[str]:
    return [log.manifest.run_id for log in evidence.logs if not log.manifest.parents]


def _late(evidence: Evidence) -> str:
    table = evidence.phases[evidence.phases["run"].isin(_untaught(evidence))]
    late, missing = int(table["new_features"].sum()), int(table["missing"].sum())
    if not missing:
        return "No run without a teacher has reached phase III with a feature missing."
    found = rate(late, missing)

    return (
        f"In phase III runs without a teacher learned {late} of their {missing} missing features ({found.low:.1%} to "
        f"{found.high:.1%}, Wilson; {table['null'].sum():.1f}, were all crossings spread evenly over the steps)."
    )


def _taught(shares: pd.DataFrame) -> str:
    """Say what share of the strength of learned features came from the teacher, kind by kind."""
    rows = shares[(shares["term"] == "distillation") & shares["learned"].astype(bool)]
    if not len(rows):
        return "None of them was learned."
    told = [f"{_kind(role, variant)} {_middle(part)}" for (role, variant), part in _kinds(rows)]

    return (
        f"Of what was added to those that were learned, the teacher gave: {'; '.join(told)} (median over runs, 95 % by "
        "bootstrap over runs; above 100 % where the labels held a feature back)."
    )


def _middle(rows: pd.DataFrame) -> str:
    found = bootstrapped(rows.groupby("run", observed=True)["share"].median(), np.median)

    return f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%}, {found.n} run{'s' * (found.n > 1)})"


def _kinds(table: pd.DataFrame) -> Iterable[tuple[Any, pd.DataFrame]]:
    return table.groupby(["role", "variant"], observed=True)


def _kind(role: str, variant: str) -> str:
    return f"{role} ({variant})" if variant else role


def _residual(shares: pd.DataFrame) -> float:
    """Return the largest residual over what was gained, among features that were learned."""
    known = shares[shares["learned"].astype(bool)]

    return float((known["residual"] / known["gained"]).abs().max())


def _still(table: pd.DataFrame) -> str:
    """Say how much features and noise grew in phase III."""
    rows = table[table["phase"] == "memorisation"].groupby("run", observed=True)
    if not len(rows):
        return "No run reached phase III."
    names = ["coverage", "strength", "noise_single_view"]
    grown = (rows[names].last() / rows[names].first()).median()

    return (
        f"From the first to the last look within phase III coverage changed by a factor {grown['coverage']:.2f}, "
        f"strength by {grown['strength']:.2f}, single-view noise by {grown['noise_single_view']:.2f} (medians)."
    )
