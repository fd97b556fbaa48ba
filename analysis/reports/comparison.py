"""The report of several studies side by side."""

from collections.abc import Callable, Mapping

import pandas as pd

from probes.analysis import plots
from probes.analysis.facts import each
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.panel import Panel
from probes.analysis.plots.canvas import canvas
from probes.analysis.reports.compare import beside, claims_beside, recipe_of, recipes_beside
from probes.analysis.reports.report import Report
from probes.analysis.theory.evidence import Evidence
from probes.analysis.theory.findings.claims import claims_of
from probes.analysis.theory.findings.summary import summary_of
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["comparison", "comparison_of"]

_WIDTH = 7.6


def comparison(studies: Mapping[str, LogLike | list[LogLike]], *, title: str = "", rule: LearnedRule = RULE) -> Report:
    """Return a report of studies side by side: claims, means and errors of each, and what their recipes differ in.

    Args:
        studies: The runs of each study, by what to call its setting.
        title: The report's heading; made from the settings where it is "".
        rule: When a feature counts as learned.

    Raises:
        LogError: If two runs of one study have the same name.

    Example:
        >>> from probes.analysis import example_study
        >>> found = comparison({"one": example_study(), "two": example_study(seed=5)})
        >>> found.title, [panel.name for panel in found.panels][:2]
        ('one beside two', ['claims', 'errors'])
    """
    return comparison_of({name: Evidence(each(logs), rule) for name, logs in studies.items()}, title=title)


def comparison_of(settings: Mapping[str, Evidence], *, title: str = "") -> Report:
    """Return the report of `comparison` from evidence that is already there."""
    claims = {name: claims_of(evidence) for name, evidence in settings.items()}
    absent = {f"{claim} ({name})": reason for name, table in claims.items() for claim, reason in _left_out(table)}
    table = claims_beside(claims)

    panels: list[Panel] = [_claims(table)] if len(table) else []
    for name, build in _PANELS.items():
        try:
            panels += [panel for panel in [build(settings)] if panel]
        except LogError as error:
            absent[name] = str(error)
    facts = {f"runs of {name}": str(len(evidence.study)) for name, evidence in settings.items()}
    rules = {str(evidence.rule) for evidence in settings.values()}
    facts |= {"a feature is learned when": "; ".join(sorted(rules))} if rules else {}
    return Report(title or " beside ".join(settings), facts, table, panels, absent)


def _claims(table: pd.DataFrame) -> Panel:
    rows = len(table.drop_duplicates(["claim", "variant"]))
    figure, axes = canvas(_WIDTH, 0.9 + 0.16 * rows * (1 + table["setting"].nunique()) / 1.6)
    plots.claims_by_setting(table, axes[0])
    caption = (
        "Each claim's measured value in every setting, with its 95 % interval, on the range in which it is expected."
    )

    return Panel("claims", "The claims, setting by setting", caption, table, figure)


def _errors(settings: Mapping[str, Evidence]) -> Panel | None:
    tables = {name: evidence.error_rates for name, evidence in settings.items()}
    table = beside({name: rates[rates["measure"] == "test_error_mu"] for name, rates in tables.items()})
    if not len(table):
        return None

    kinds = len(table.groupby(["role", "variant"]))
    figure, axes = canvas(_WIDTH, 0.9 + 0.25 * kinds * (1 + table["setting"].nunique()) / 2)
    plots.errors_by_setting(table, axes[0])
    caption = (
        "Test error in units of each study's own μ: error on single-view samples + (1 - μ)/μ times error on multi-view "
        "samples; a tie is wrong. One mark a run, a bar at the mean."
    )
    return Panel("errors", "How wrong each network is, setting by setting", caption, table, figure)


def _summary(settings: Mapping[str, Evidence]) -> Panel | None:
    table = beside({name: summary_of(evidence) for name, evidence in settings.items()})
    caption = "Means over the runs of each role: errors as rates and in μ, and the share of all features learned."

    return Panel("summary", "What each role ends with", caption, table, opened=True) if len(table) else None


def _recipes(settings: Mapping[str, Evidence]) -> Panel | None:
    table = recipes_beside({name: recipe_of(evidence.study) for name, evidence in settings.items()})
    same = (
        "The recipes are the same."
        if table.empty
        else "Keys of the recipes that differ; empty where one has no such key."
    )

    return Panel("recipes", "What the recipes differ in", same, table, opened=True)


def _runs(settings: Mapping[str, Evidence]) -> Panel | None:
    table = beside({name: evidence.runs for name, evidence in settings.items()})

    return Panel("runs", "Every run", "Runs that diverged or failed are in no finding.", table)


def _left_out(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(table.attrs["left_out"].items())


_PANELS: Mapping[str, Callable[[Mapping[str, Evidence]], Panel | None]] = {
    "how wrong each network is": _errors,
    "what each role ends with": _summary,
    "what the recipes differ in": _recipes,
    "every run": _runs,
}
