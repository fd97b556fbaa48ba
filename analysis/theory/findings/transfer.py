"""What students took over, teacher by teacher: the features that a teacher had and the student would not have won."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import usable
from probes.analysis.findings.learned import RULE, LearnedRule, learned
from probes.analysis.intervals import Estimate, rate
from probes.analysis.members import learned_sets
from probes.analysis.theory.findings.growth import growth, own_features
from probes.logs.protocol import LogLike

__all__ = ["lessons", "lessons_of"]

_LESSONS_RULE = (
    "lacked: features that are not the student's own and that this teacher learned; share: of these, learned by the "
    "student, with Wilson's interval; null: share of such features that its teachers, without a teacher of their own, "
    "learned of those their initialisation does not win; {}"
)


def lessons(
    students: LogLike | Iterable[LogLike],
    teachers: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per (student, teacher): the features only the teacher had, and how many the student took over.

    A feature that several teachers have counts for each of them: which one it came from cannot be told, because
    students are shown the teachers' mean.

    Args:
        students: Distilled or self-distilled runs.
        teachers: Runs among which the students' teachers are; others do no harm.
        rule: When a feature counts as learned.
        frame: Table of `features` of the teachers, where it is already there; else their logs are read.

    Raises:
        LogError: If a student's teachers are not among ``teachers``, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> lessons(logs[1], logs)[["teacher", "lacked", "taken_over"]].values.tolist()[:2]
        [['single-00', 4, 4], ['single-01', 3, 3]]
    """
    study = usable(students)

    return lessons_of(study, growth(study, teachers, rule=rule, frame=frame), teachers, rule=rule, frame=frame)


def lessons_of(
    students: Iterable[LogLike],
    grown: pd.DataFrame,
    teachers: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the table of `lessons` from the students' table of `growth`.

    Raises:
        LogError: If a teacher's log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> lessons_of(logs[1:2], growth(logs[1], logs), logs).equals(lessons(logs[1], logs))
        True
    """
    taught_by = {log.manifest.run_id: log.manifest.parents for log in students}
    masters = [log for log in usable(teachers) if any(log.manifest.run_id in names for names in taught_by.values())]
    known = dict(zip((log.manifest.run_id for log in masters), _sets(masters, rule, frame), strict=True))
    alone = {log.manifest.run_id: _by_itself(log, known[log.manifest.run_id], rule, frame) for log in masters}

    rows = [
        {
            "run": run,
            "teacher": name,
            **_lesson(part, known[name]),
            "null": np.mean([alone[one] for one in taught_by[run]]),
        }
        for run, part in grown.groupby(grown["run"].astype(object), sort=False)
        for name in taught_by[run]
    ]
    table = pd.DataFrame(rows).assign(rule=str(rule)).reindex(columns=list(TABLES["lessons"]))
    table.attrs["rule"] = _LESSONS_RULE.format(rule)
    return table


def _sets(logs: Sequence[LogLike], rule: LearnedRule, frame: pd.DataFrame | None) -> np.ndarray:
    return learned_sets(logs, learned(logs, rule=rule, frame=frame)) if logs else np.empty((0, 0, 0), dtype=bool)


def _by_itself(log: LogLike, known: np.ndarray, rule: LearnedRule, frame: pd.DataFrame | None) -> float:
    """Return the share that the run learned of those features that are not its own; NaN if it had a teacher itself."""
    missing = ~own_features(log, rule=rule, frame=frame)

    return float(known[missing].mean()) if missing.any() and not log.manifest.parents else np.nan


def _lesson(student: pd.DataFrame, teacher: np.ndarray) -> dict[str, object]:
    lacked = teacher[student["class"], student["view"]] & ~student["own"].to_numpy(dtype=bool)
    taken = int(student["learned"].to_numpy(dtype=bool)[lacked].sum())
    share = rate(taken, int(lacked.sum())) if lacked.any() else Estimate(np.nan, np.nan, np.nan, 0)

    return {
        "role": student["role"].iloc[0],
        "variant": student["variant"].iloc[0],
        "lacked": int(lacked.sum()),
        "taken_over": taken,
        "share": share.value,
        "low": share.low,
        "high": share.high,
    }
