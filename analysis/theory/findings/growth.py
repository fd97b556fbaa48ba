"""What distillation added: the features a student would not have learned by itself, and when it learned them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.columns import TABLES
from probes.analysis.facts import race_series, usable
from probes.analysis.findings.learned import RULE, LearnedRule, last_steps, learned
from probes.analysis.taps.frames import endpoints, every_step, features
from probes.analysis.theory.findings.winning_set import adjusted_peaks
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["growth", "missing_features", "own_features"]

_RULE = (
    "{}; own: what the initialisation predicts without gap factor, or, where the run continues another one, what was "
    "learned at its step 0; taught: learned by at least one teacher at its last step; rise: steps from 10 % to 50 % of "
    "the final strength; null: off_peak"
)


def own_features(log: LogLike, *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None) -> NDArray[np.bool_]:
    """Return which features the run has, or would have learned, without a teacher: ``(class, view)``.

    A run that starts from a fresh initialisation wins one view a class, the one `winners` predicts without gap factor.
    A run that continues another one has what was learned at its step 0, which is that run's last.

    Args:
        log: The run.
        rule: When a feature counts as learned.
        frame: Table of `features` of the run, where it is already there; else the log is read.

    Raises:
        LogError: If the log has no series (class, neuron, feature_class, view) with two views, or does not begin at
            step 0.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> own_features(example_study()[1]).sum(axis=1).tolist()
        [1, 1, 1, 1, 1, 1]
    """
    race_series(log)
    ends = endpoints(log, frame=frame)
    start = ends[ends["step"] == 0]

    if log.manifest.continues:
        return rule(start)["learned"].to_numpy(dtype=bool).reshape(-1, 2)
    sides = adjusted_peaks(log, start["peak"].to_numpy().reshape(-1, 2))
    return np.asarray(sides.argmax(axis=1)[:, None] == np.arange(2))


def growth(
    students: LogLike | Iterable[LogLike],
    teachers: LogLike | Iterable[LogLike],
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per (student, class, view): whose feature it is, whether and when the student learned it.

    A feature is missing when it is not `own`; a missing feature that was `taught` is what distillation can add.
    `teachers` names those of its teachers that have the feature, and `teachers_share` is their share of all its
    teachers. `first_step` is the first step at which the rule holds; `rise`, the steps in which a learned feature grew
    from 10 % to 50 % of its final strength, says how fast it went; `strength` and `off_peak` (the largest correlation
    of the class's neurons with the same view of another class) are those of the last step.

    Args:
        students: Distilled or self-distilled runs; they are read step by step, one at a time.
        teachers: Runs among which the students' teachers are; others do no harm.
        rule: When a feature counts as learned.
        frame: Table of `features` of the teachers, where it is already there; else their logs are read.

    Raises:
        LogError: If a student's teachers are not among ``teachers``, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> logs = example_study()
        >>> table = growth(logs[1], logs)
        >>> missing = table[~table["own"]]
        >>> missing[["taught", "learned"]].mean().to_dict()
        {'taught': 1.0, 'learned': 1.0}
    """
    taught = _lessons(usable(students), teachers, rule, frame)
    tables = [_student(log, lessons, rule) for log, lessons in taught]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(TABLES["growth"]))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def missing_features(
    logs: LogLike | Iterable[LogLike],
    teachers: LogLike | Iterable[LogLike] = (),
    *,
    rule: LearnedRule = RULE,
    frame: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the table of `features`, of those features only that are not the run's own, with the column `taught`.

    Args:
        logs: Runs with or without teachers; without one nothing is taught.
        teachers: Runs among which the teachers are.
        rule: When a feature counts as learned.
        frame: Table of `features` of all these runs, however thin, where it is there; else the logs are read.

    Raises:
        LogError: If a run's teachers are not among ``teachers``, or a log is not as `own_features` expects.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> single = example_study()[-1]
        >>> table = missing_features(single, frame=features(single, every=400))
        >>> table.groupby("step")["strength"].max().astype(float).round(3).to_dict()
        {0: 0.003, 400: 0.016}
    """
    study = usable(logs)
    lessons = _lessons([log for log in study if log.manifest.parents], teachers, rule, frame)
    taught = {log.manifest.run_id: _of_any(lesson) for log, lesson in lessons}

    tables = [_missing(log, taught.get(log.manifest.run_id), rule, frame) for log in study]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*TABLES["features"], "taught"])


def _missing(
    log: LogLike, taught: NDArray[np.bool_] | None, rule: LearnedRule, frame: pd.DataFrame | None
) -> pd.DataFrame:
    table = features(log) if frame is None else frame[frame["run"] == log.manifest.run_id]
    own = own_features(log, rule=rule, frame=table)
    place = (table["class"].to_numpy(), table["view"].to_numpy())

    chosen: pd.DataFrame = table.assign(taught=False if taught is None else taught[place])[~own[place]]
    return chosen


def _lessons(
    students: Sequence[LogLike],
    teachers: LogLike | Iterable[LogLike],
    rule: LearnedRule,
    frame: pd.DataFrame | None,
) -> Sequence[tuple[LogLike, pd.DataFrame]]:
    """Return each student with what its teachers learned: a row for each feature, a column for each teacher."""
    known = {log.manifest.run_id: log for log in usable(teachers)}
    for student in students:
        _check_teachers(student, known)
    needed = {name for student in students for name in student.manifest.parents}
    table = learned([known[name] for name in sorted(needed)], rule=rule, frame=frame)

    wide = table.astype({"run": object}).pivot(index=["class", "view"], columns="run", values="learned")
    return [(student, wide[list(student.manifest.parents)].dropna().astype(bool)) for student in students]


def _of_any(lessons: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the features that at least one teacher learned: ``(class, view)``."""
    return lessons.any(axis=1).unstack("view").to_numpy(dtype=bool)


def _check_teachers(student: LogLike, known: Mapping[str, LogLike]) -> None:
    name, parents = student.manifest.run_id, student.manifest.parents
    if not parents:
        raise LogError(f"run `{name}`: expected a student with teachers, got a manifest that names no parents")

    absent = [parent for parent in parents if parent not in known]
    if absent:
        raise LogError(
            f"run `{name}`: expected its teachers among the logs, got none called {', '.join(absent)}; "
            "open the root that holds them"
        )


def _student(student: LogLike, lessons: pd.DataFrame, rule: LearnedRule) -> pd.DataFrame:
    ends = endpoints(student)
    last = last_steps(rule(ends))
    first, rise = _first_steps(student, last, rule)
    table = last.set_index(["class", "view"])

    return table.assign(
        own=own_features(student, rule=rule, frame=ends).ravel(),
        taught=_of_any(lessons).ravel(),
        teachers=[" ".join(lessons.columns[known]) for known in lessons.to_numpy()],
        teachers_share=lessons.mean(axis=1).to_numpy(),
        first_step=pd.Series(first, table.index).astype("Int64"),
        rise=pd.Series(rise, table.index).where(table["learned"]).astype("Int64"),
    ).reset_index()


def _first_steps(
    student: LogLike, last: pd.DataFrame, rule: LearnedRule
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each feature's first step as learned, and in how many steps it grew from 10 % to 50 % of its strength."""
    final = last["strength"].to_numpy()
    first, tenth, half = np.full((3, len(last)), np.nan)
    for piece in every_step(student):
        # The rule needs the run's last step, wherever the piece lies.
        learned = rule(pd.concat([piece, last[piece.columns]]))["learned"].to_numpy(dtype=bool)[: len(piece)]
        steps, strength = piece["step"].to_numpy(), piece["strength"].to_numpy()
        for found, holds in (
            (first, learned.reshape(-1, len(last))),
            (tenth, strength.reshape(-1, len(last)) >= 0.1 * final),
            (half, strength.reshape(-1, len(last)) >= 0.5 * final),
        ):
            reached = np.where(holds.any(axis=0), steps[:: len(last)][holds.argmax(axis=0)], np.nan)
            np.fmin(found, reached, out=found)

    return first, half - tenth
