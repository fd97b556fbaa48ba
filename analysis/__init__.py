"""Findings from logs: what every network learned and when, and the theory's claims beside the measurements.

Each function takes logs, ``probes.open_logs(root)``, and returns a tidy table (a pandas DataFrame) whose columns
`columns_of` explains. A table that says what was learned states the rule in its column `rule` and in
``frame.attrs["rule"]``, and rests on a null: the same statistic of the same neurons on features of other classes.

* `features` strength and peak of every feature at every step; `learned` the features a run ends with
* `winners` what the initialisation predicts, beside what was learned
* `coverage` what K members cover; `ensemble_error` and `error_rates` errors from stored logits
* `growth` what distillation added; `pairs` self-distillation pair by pair
* `claims` every claim of the theory, with source, expected range, measured value and interval; `summary` means by role
* `plots` draws the tables; `report` and `write_findings` put everything together

Example:
    >>> from probes.analysis.example import example_study
    >>> logs = example_study()
    >>> int(claims(logs)["holds"].sum()), float(coverage(logs)["coverage"].max())
    (12, 1.0)
"""

from probes.analysis import plots
from probes.analysis.claims import claims, records
from probes.analysis.columns import columns_of
from probes.analysis.coverage import coverage
from probes.analysis.ensembles import ensemble_error
from probes.analysis.error_rates import error_rates
from probes.analysis.example import example_study
from probes.analysis.expectations import EXPECTATIONS
from probes.analysis.facts import runs
from probes.analysis.findings import report, write_findings
from probes.analysis.frames import endpoints, features
from probes.analysis.growth import growth, missing_features
from probes.analysis.learned import RULE, LearnedRule, learned
from probes.analysis.pairs import pairs
from probes.analysis.report import Report
from probes.analysis.summary import summary
from probes.analysis.winners import winners

__all__ = [
    "EXPECTATIONS",
    "RULE",
    "LearnedRule",
    "Report",
    "claims",
    "columns_of",
    "coverage",
    "endpoints",
    "ensemble_error",
    "error_rates",
    "example_study",
    "features",
    "growth",
    "learned",
    "missing_features",
    "pairs",
    "plots",
    "records",
    "report",
    "runs",
    "summary",
    "winners",
    "write_findings",
]
