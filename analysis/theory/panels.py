"""The report's figures: from a study's evidence to a figure with its caption and its numbers, one function a panel."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from probes.analysis import plots
from probes.analysis.findings.learned import null_rate
from probes.analysis.members import members
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.theory.ensembles import ensemble_error
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.growth import missing_features
from probes.analysis.theory.panels_causes import CAUSES
from probes.analysis.theory.panels_dynamics import DYNAMICS
from probes.logs.protocol import LogLike

__all__ = ["PANELS", "claims_panel"]

_CLASSES = 12
_WIDTH = 7.6
_DRAWN = ("strength", "off_strength")


def claims_panel(table: pd.DataFrame) -> Panel:
    """Return the claims as dots on their expected ranges.

    Example:
        >>> from probes.analysis import claims
        >>> from probes.analysis.theory.example import example_study
        >>> claims_panel(claims(example_study())).name
        'claims'
    """
    figure, axes = canvas(_WIDTH, 0.9 + 0.27 * max(1, len(table)))
    plots.claims(table, axes[0])
    caption = "Each claim's measured value on the range in which it is expected."

    return Panel("claims", "The claims at a glance", caption, table, figure)


def _winners(evidence: Evidence) -> Panel | None:
    table = evidence.winners
    shown = table[table["role"] == "single"] if evidence.with_role("single") else table
    if not len(shown):
        return None

    runs, classes = shown["run"].nunique(), shown["class"].nunique()
    figure, axes = canvas(min(_WIDTH, 2.2 + 0.36 * max(classes, 12)), 1 + 0.36 * runs)
    plots.winners(shown, axes[0])
    caption = (
        f"The view that each of {runs} runs learned of each class. The initialisation decides it: {_agreement(shown)}. "
        "Rings: the lead at initialisation is within the gap factor, so the class has no winner in M. "
        f"{_null(evidence)}"
    )
    return Panel("winners", "What was won", caption, shown, figure)


def _coverage(evidence: Evidence) -> Panel | None:
    table = evidence.coverage
    if not len(table):
        return None

    tested = bool(table["error_mu"].notna().any())
    figure, axes = canvas(_WIDTH if tested else _WIDTH / 2, 3, columns=1 + tested)
    plots.coverage(table, axes[0])
    if tested:
        plots.ensemble_error(table, axes[1])
    caption = (
        "Features that at least one of K members has learned, and the error of the mean of their logits. Dots: mean "
        f"over ensembles of K of {table['members'].max()} runs (at most {table['subsets'].max()} of them); bars: the "
        "central 95 % of these. Grey: every member learns one of the two views of a class by a fair coin. Dashes: "
        "coverage by each class's own chance, from the runs; error by the features that an ensemble does not cover, "
        "where it is wrong unless a sample shows nothing else that it knows."
    )
    return Panel("coverage", "What is covered", caption, table, figure)


def _growth(evidence: Evidence) -> Panel | None:
    students = _by_kind(evidence, "distilled", "self_distilled")
    if not students:
        return None
    alone = {"no teacher": members(evidence.logs)} if evidence.with_role("single") else {}

    tables = {name: _missing(evidence, logs) for name, logs in (alone | students).items()}
    figure = plots.growth_beside(tables)
    missing = evidence.growth[~evidence.growth["own"] & evidence.growth["taught"]]
    caption = (
        "Features that a run's own initialisation does not win (where a run continues another one: those not learned "
        "at its step 0). Thin: one feature of one run; bold: their median; grey: the largest strength of the same "
        f"neurons on a feature of another class. Of {len(missing)} missing features that a teacher had learned, "
        f"{missing['learned'].sum()} were learned."
    )
    drawn = pd.concat(tables.values(), ignore_index=True)[["run", "step", "class", "view", "taught", *_DRAWN]]
    return Panel("growth", "What distillation added", caption, drawn, figure)


def _error_rates(evidence: Evidence) -> Panel | None:
    table = evidence.error_rates
    table = table[table["measure"] == "test_error_mu"]
    if not len(table):
        return None

    joint = ensemble_error([log for logs in evidence.with_role("single").values() for log in logs])
    ensemble = {"role": "ensemble", "variant": "", "measure": "test_error_mu", "error": [joint.value] if joint else []}
    shown = pd.concat([table, pd.DataFrame({"run": "ensemble of all singles", **ensemble})], ignore_index=True)
    figure, axes = canvas(_WIDTH, 0.8 + 0.33 * len(shown.groupby(["role", "variant"])))
    plots.error_rates(shown, axes[0])
    caption = (
        "Test error in units of μ: error on single-view samples + (1 - μ)/μ times error on multi-view samples; a tie "
        "is wrong. One dot a run, a bar at the mean; the ensemble is the mean of the logits of all singles."
    )
    return Panel("error_rates", "How wrong each network is", caption, shown, figure)


def _pairs(evidence: Evidence) -> Panel | None:
    table = evidence.pairs
    if not len(table):
        return None

    figure, axes = canvas(3.8, 3.6)
    plots.pairs(table, axes[0])
    caption = (
        "Each self-distilled network's test error against the share of features that neither its own initialisation "
        "nor its teacher won. On the line it errs exactly on what the two leave uncovered. Bars: 95 % over samples."
    )
    return Panel("pairs", "Self-distillation, pair by pair", caption, table, figure)


def _race(role: str, title: str) -> Callable[[Evidence], Panel | None]:
    def panel(evidence: Evidence) -> Panel | None:
        logs = [log for variant in evidence.with_role(role).values() for log in variant]
        if not logs:
            return None

        table = evidence.features
        table = table[(table["run"] == logs[0].manifest.run_id) & (table["class"] < _CLASSES)]
        caption = (
            f"Strength of every view in run {logs[0].manifest.run_id}, class by class (the first {_CLASSES} at most), "
            "beside the largest strength of the same neurons on a feature of another class."
        )
        drawn = table[["run", "step", "class", "view", *_DRAWN]]
        return Panel(f"race_{role}".rstrip("_"), title, caption, drawn, plots.trajectory_grid(table))

    return panel


def _learned(evidence: Evidence) -> Panel | None:
    caption = (
        f"Strength and peak of every feature at the last step of each run, and whether it was learned: {evidence.rule}."
    )

    return Panel("learned", "Every feature", caption, evidence.learned) if len(evidence.learned) else None


def _runs(evidence: Evidence) -> Panel | None:
    return Panel("runs", "Every run", "Runs that diverged or failed are in no finding.", evidence.runs)


# By what a report calls them where they cannot be made; those that answer the three questions come first.
PANELS: Mapping[str, Callable[[Evidence], Panel | None]] = {
    "what was won": _winners,
    "what is covered": _coverage,
    "what distillation added": _growth,
    "how wrong each network is": _error_rates,
    "self-distillation, pair by pair": _pairs,
    **CAUSES,
    **DYNAMICS,
    "the race in a single network": _race("single", "The race in a single network"),
    "the race in a distilled network": _race("distilled", "The race in a distilled network"),
    "the race": _race("", "The race"),
    "every feature": _learned,
    "every run": _runs,
}


def _by_kind(evidence: Evidence, *roles: str) -> dict[str, Sequence[LogLike]]:
    return {
        f"{role} ({variant})" if variant else role: logs
        for role in roles
        for variant, logs in evidence.with_role(role).items()
    }


def _missing(evidence: Evidence, logs: Sequence[LogLike]) -> pd.DataFrame:
    return missing_features(logs, evidence.logs, rule=evidence.rule, frame=evidence.features)


def _agreement(winners: pd.DataFrame) -> str:
    decided = winners[winners["learned"].isin(["view 0", "view 1"])]
    both, none = ((winners["learned"] == outcome).sum() for outcome in ("both", "none"))

    return (
        f"its prediction is right in {decided['agrees'].sum()} of the {len(decided)} classes that learned exactly one "
        f"view ({both} learned both, {none} none)"
    )


def _null(evidence: Evidence) -> str:
    if evidence.learned["off_strength"].isna().all():
        return f"Learned means: {evidence.rule}; other classes' features were not recorded."
    found = null_rate(evidence.learned, rule=evidence.rule)

    return (
        f"Learned means: {evidence.rule}; {found.value:.1%} of {found.n} off-class directions reach the first of these."
    )
