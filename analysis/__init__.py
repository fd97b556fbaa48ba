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
    "EXPECTATIONS": "probes.analysis.expectations",
    "LearnedRule": "probes.analysis.rule",
    "RULE": "probes.analysis.rule",
    "Report": "probes.analysis.report",
    "beside": "probes.analysis.compare",
    "bounds": "probes.analysis.bounds",
    "claims": "probes.analysis.claims",
    "claims_beside": "probes.analysis.compare",
    "columns_of": "probes.analysis.columns",
    "comparison": "probes.analysis.comparison",
    "confusion": "probes.analysis.margins",
    "coverage": "probes.analysis.coverage",
    "deletion": "probes.analysis.deletion",
    "deletion_rates": "probes.analysis.deletion",
    "endpoints": "probes.analysis.frames",
    "ensemble_error": "probes.analysis.ensembles",
    "error_rates": "probes.analysis.error_rates",
    "escape": "probes.analysis.timing",
    "example_study": "probes.analysis.example",
    "features": "probes.analysis.frames",
    "force_shares": "probes.analysis.forces",
    "forces": "probes.analysis.forces",
    "growth": "probes.analysis.growth",
    "kept_alive": "probes.analysis.alive",
    "learned": "probes.analysis.learned",
    "lessons": "probes.analysis.lessons",
    "lottery": "probes.analysis.lottery",
    "margins": "probes.analysis.margins",
    "memorisation": "probes.analysis.memorisation",
    "missing_features": "probes.analysis.growth",
    "pairs": "probes.analysis.pairs",
    "phases": "probes.analysis.phases",
    "recipes_beside": "probes.analysis.compare",
    "records": "probes.analysis.claims",
    "report": "probes.analysis.findings",
    "runs": "probes.analysis.facts",
    "summary": "probes.analysis.summary",
    "timing": "probes.analysis.timing",
    "uncovered": "probes.analysis.coverage",
    "unions": "probes.analysis.unions",
    "winners": "probes.analysis.winners",
    "write_findings": "probes.analysis.findings",
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
