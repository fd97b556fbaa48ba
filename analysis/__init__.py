"""Findings from logs: what every network learned and when, and the theory's claims beside the measurements.

Each function takes logs, ``probes.open_logs(root)``, and returns a tidy table (a pandas DataFrame) whose columns
`columns_of` explains. A table that says what was learned states the rule in its column `rule` and in
``frame.attrs["rule"]``, and rests on a null: the same statistic of the same neurons on features of other classes.

* `features` strength and peak of every feature at every step; `learned` the features a run ends with
* `winners` what the initialisation predicts, beside what was learned
* `confusion` and `margins` what was predicted and how near the race was; `kept_alive` which neurons carried the win
* `timing`, `escape` and `phases` when and in which order, as predicted or not; `memorisation` what comes after
* `forces` and `force_shares` what labels and teacher each added to a feature
* `coverage` what K members cover; `ensemble_error` and `error_rates` errors from stored logits
* `lottery` each feature's chance to be won; `uncovered` the features that no member has
* `growth` what distillation added; `lessons` from which teacher; `unions` what all students have together
* `pairs` self-distillation pair by pair
* `deletion` what a class still sees without the neurons credited with a view; `bounds` the proof's, at every step
* `claims` every claim of the theory, with source, expected range, measured value and interval; `summary` means by role
* `plots` draws the tables; `report`, `write_findings` put all together; `comparison` sets studies side by side

Example:
    >>> from probes.analysis import claims, coverage, example_study
    >>> logs = example_study()
    >>> int(claims(logs)["holds"].sum()), float(coverage(logs)["coverage"].max())
    (20, 1.0)
"""

from importlib import import_module
from sys import modules
from types import ModuleType
from typing import Any

_MODULE_OF = {
    "EXPECTATIONS": "probes.analysis.theory.expectations",
    "LearnedRule": "probes.analysis.rule",
    "RULE": "probes.analysis.rule",
    "Report": "probes.analysis.reports.report",
    "beside": "probes.analysis.reports.compare",
    "bounds": "probes.analysis.theory.findings.bounds",
    "claims": "probes.analysis.theory.findings.claims",
    "claims_beside": "probes.analysis.reports.compare",
    "columns_of": "probes.analysis.columns",
    "comparison": "probes.analysis.reports.comparison",
    "confusion": "probes.analysis.theory.findings.margins",
    "coverage": "probes.analysis.theory.findings.coverage",
    "deletion": "probes.analysis.theory.findings.deletion",
    "deletion_rates": "probes.analysis.theory.findings.deletion",
    "endpoints": "probes.analysis.taps.frames",
    "ensemble_error": "probes.analysis.theory.ensembles",
    "error_rates": "probes.analysis.theory.findings.error_rates",
    "escape": "probes.analysis.theory.findings.timing",
    "example_study": "probes.analysis.theory.example",
    "features": "probes.analysis.taps.frames",
    "force_shares": "probes.analysis.theory.findings.forces",
    "forces": "probes.analysis.theory.findings.forces",
    "growth": "probes.analysis.theory.findings.growth",
    "kept_alive": "probes.analysis.theory.findings.surviving_neurons",
    "learned": "probes.analysis.findings.learned",
    "lessons": "probes.analysis.theory.findings.transfer",
    "lottery": "probes.analysis.theory.findings.lottery",
    "margins": "probes.analysis.theory.findings.margins",
    "memorisation": "probes.analysis.theory.findings.memorisation",
    "missing_features": "probes.analysis.theory.findings.growth",
    "pairs": "probes.analysis.theory.findings.pairs",
    "phases": "probes.analysis.theory.findings.phases",
    "recipes_beside": "probes.analysis.reports.compare",
    "records": "probes.analysis.theory.findings.claims",
    "report": "probes.analysis.reports.writing",
    "runs": "probes.analysis.facts",
    "summary": "probes.analysis.theory.findings.summary",
    "timing": "probes.analysis.theory.findings.timing",
    "uncovered": "probes.analysis.theory.findings.coverage",
    "unions": "probes.analysis.theory.findings.unions",
    "winners": "probes.analysis.theory.findings.winning_set",
    "write_findings": "probes.analysis.reports.writing",
}
_SUBPACKAGES = ("plots",)

__all__ = list(_MODULE_OF)


class _Lazy(ModuleType):
    """A module whose names are loaded the first time they are used, also those that a submodule has, too."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a submodule binds its name here; `bounds`, for one, is the function of that module.
        if not (name in _MODULE_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


modules[__name__].__class__ = _Lazy


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_MODULE_OF, *_SUBPACKAGES])
