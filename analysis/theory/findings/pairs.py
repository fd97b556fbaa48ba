"""Self-distillation pair by pair: the measured error beside what the union of the two winners leaves uncovered."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.theory.findings.error_rates import error_rates
from probes.analysis.theory.findings.growth import growth
from probes.logs.protocol import LogLike

__all__ = ["pairs", "pairs_of"]

_RULE = "uncovered: share of features neither own nor taught; within: the error's 95 % interval contains it; {}"


def pairs(logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE) -> pd.DataFrame:
    """Return one row per self-distilled run: its error in mu, what the two winners left uncovered, the difference.

    A single-view test sample shows one of the 2k features, each as often as another, so a network that has learned the
    union of its own features and its teacher's errs on the share that the union leaves uncovered. (A sample without
    any off-class feature that the network knows is right by default, so the error may lie a little below: by
    the fraction e^(-s(1 - 1/k)) where each class has one view.)

    Runs without test error are left out.

    Args:
        logs: The runs of a study, the teachers among them.
        rule: When a feature counts as learned.

    Raises:
        LogError: If a run's teachers are not among the logs, or a log is not as `growth` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> pairs(example_study())[["variant", "uncovered", "within"]].round(2).values.tolist()
        [['continued', 0.17, True], ['fresh', 0.17, True]]
    """
    study = usable(logs)
    students = [log for log in study if log.manifest.role == "self_distilled"]

    return pairs_of(students, growth(students, study, rule=rule), error_rates(students))


def pairs_of(students: Iterable[LogLike], grown: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `pairs` from the students' tables of `growth` and of `error_rates`.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> pairs_of(logs[2:4], growth(logs[2:4], logs), error_rates(logs)).equals(pairs(logs))
        True
    """
    tests = errors[errors["measure"] == "test_error_mu"].set_index("run").to_dict("index")
    covered = (grown["own"] | grown["taught"]).groupby(grown["run"]).mean()

    rows = [
        _row(log, 1 - float(covered[log.manifest.run_id]), tests[log.manifest.run_id])
        for log in students
        if log.manifest.run_id in tests
    ]
    table = pd.DataFrame(rows, columns=list(TABLES["pairs"]))
    table.attrs["rule"] = _RULE.format(grown.attrs.get("rule", ""))
    return table


def _row(student: LogLike, uncovered: float, test: dict[Any, Any]) -> dict[str, object]:
    low, high = test["low"] - uncovered, test["high"] - uncovered

    return {
        "run": student.manifest.run_id,
        "role": student.manifest.role,
        "variant": student.manifest.variant,
        "own_run": student.manifest.continues or student.manifest.run_id,
        "teacher": " ".join(student.manifest.parents),
        "uncovered": uncovered,
        "error_mu": test["error"],
        "excess": test["error"] - uncovered,
        "low": low,
        "high": high,
        "within": low <= 0 <= high,
    }
