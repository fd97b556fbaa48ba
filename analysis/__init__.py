"""Findings from logs: what every network learned and when, what runs cover together, what distillation added.

A `Study` holds the runs under a root, opened once: ``study = probes.open_study("runs")``. Each finding is a table, a
pandas DataFrame, that the study computes once: ``study.winners()``, or, of logs or a path, ``winners("runs")``. A table
says by which rule a feature counts as learned in ``table.attrs["rule"]``, and sets a null beside every figure.

* `features` how large every feature is at every step; `learned` the features a run ends with
* `winners` what each run has won; `prediction` how well the initialisation predicts it
* `coverage` what K runs cover together; `uncovered` the features that no run has
* `growth` what students have and who taught it; `growth_over_control` beside runs without teachers
* `timing` when features are learned; `specialisation` which feature each unit carries
* `outputs`, `ensembles`, `disagreement` errors, of runs and of ensembles, from outputs stored with the runs
* `views`, `view_calls`, `view_samples` what runs differ in most, which side each prefers, where samples lie
* `twins`, `lead` what decides the winner, and when; `transfer` what a teacher adds; `deletion` channels deleted
* `occlusion`, `occlusion_views`, `occlusion_preferences` which cells of an image calls rest on
* `quantities`, `neural_collapse`, `spectrum`, `samples`, `sample_agreement` what was measured beside the taps
* `scalars`, `cost`, `runs`, `summary` what was logged, what recording took, who the runs are, means by kind
* `report` all of it as a page; `theory` what only a study of the theory of Allen-Zhu & Li has, its claims first

Example:
    >>> from probes.analysis import Study, example_study
    >>> study = Study(example_study())
    >>> float(study.coverage()["coverage"].max()), study.winners()["agrees"].mean() > 0.7
    (1.0, np.True_)
"""

from importlib import import_module
from typing import Any

from probes.analysis.findings.contents import tables

_MODULE_OF = {
    "LearnedRule": "probes.analysis.rule",
    "RULE": "probes.analysis.rule",
    "Report": "probes.analysis.reports.report",
    "Study": "probes.analysis.study",
    "comparison": "probes.analysis.reports.comparison",
    "example_study": "probes.analysis.theory.example",
    "finding": "probes.analysis.study",
    "open_study": "probes.analysis.study",
    "report": "probes.analysis.reports.study",
    "write_report": "probes.analysis.reports.files",
    **{table: f"probes.analysis.findings.{room}" for table, room in tables().items()},
}
_SUBPACKAGES = ("plots", "theory")

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBPACKAGES])
