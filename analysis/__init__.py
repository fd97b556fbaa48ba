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
    >>> from probes.analysis.example import example_study
    >>> logs = example_study()
    >>> int(claims(logs)["holds"].sum()), float(coverage(logs)["coverage"].max())
    (19, 1.0)
"""

from probes.analysis import plots
from probes.analysis.alive import kept_alive
from probes.analysis.bounds import bounds
from probes.analysis.claims import claims, records
from probes.analysis.columns import columns_of
from probes.analysis.compare import beside, claims_beside, recipes_beside
from probes.analysis.comparison import comparison
from probes.analysis.coverage import coverage, uncovered
from probes.analysis.deletion import deletion, deletion_rates
from probes.analysis.ensembles import ensemble_error
from probes.analysis.error_rates import error_rates
from probes.analysis.example import example_study
from probes.analysis.expectations import EXPECTATIONS
from probes.analysis.facts import runs
from probes.analysis.findings import report, write_findings
from probes.analysis.forces import force_shares, forces
from probes.analysis.frames import endpoints, features
from probes.analysis.growth import growth, missing_features
from probes.analysis.learned import RULE, LearnedRule, learned
from probes.analysis.lessons import lessons
from probes.analysis.lottery import lottery
from probes.analysis.margins import confusion, margins
from probes.analysis.memorisation import memorisation
from probes.analysis.pairs import pairs
from probes.analysis.phases import phases
from probes.analysis.report import Report
from probes.analysis.summary import summary
from probes.analysis.timing import escape, timing
from probes.analysis.unions import unions
from probes.analysis.winners import winners

__all__ = [
    "EXPECTATIONS",
    "RULE",
    "LearnedRule",
    "Report",
    "bounds",
    "beside",
    "claims",
    "claims_beside",
    "columns_of",
    "comparison",
    "confusion",
    "coverage",
    "deletion",
    "deletion_rates",
    "endpoints",
    "ensemble_error",
    "error_rates",
    "escape",
    "example_study",
    "features",
    "force_shares",
    "forces",
    "growth",
    "kept_alive",
    "learned",
    "lessons",
    "lottery",
    "margins",
    "memorisation",
    "missing_features",
    "pairs",
    "phases",
    "plots",
    "recipes_beside",
    "records",
    "report",
    "runs",
    "summary",
    "uncovered",
    "unions",
    "timing",
    "winners",
    "write_findings",
]
