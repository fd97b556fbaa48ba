"""Which features a run has, or would have learned, by itself, and which its teachers had."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from probes.analysis.study import Study
from probes.analysis.theory.findings.winning_set import adjusted_peaks
from probes.analysis.theory.recipe import race_series
from probes.analysis.theory.roles import race_features, race_sets
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["own_features", "taught_by", "teachers_of"]


def own_features(study: Study, log: LogLike) -> NDArray[np.bool_]:
    """Return which features a run has, or would have learned, without a teacher: ``(class, view)``.

    A run that starts from a fresh initialisation wins one view a class, the one `winning_set` predicts without gap
    factor. A run that continues another one has what was learned at its step 0, which is that run's last.

    Args:
        study: The study that holds the run.
        log: The run.

    Raises:
        LogError: the log has no series (class, neuron, feature_class, view) with two views, or does not begin with step
            0.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> own_features(study, study.students[0]).sum(axis=1).tolist()
        [1, 1, 1, 1, 1, 1]
    """
    race_series(log)
    starts = study.once(_starts)
    start = starts[starts["run"] == log.label]

    if log.manifest.continues:
        return start["learned"].to_numpy(dtype=bool).reshape(-1, 2)
    sides = adjusted_peaks(log, start["peak"].to_numpy().reshape(-1, 2))
    return np.asarray(sides.argmax(axis=1)[:, None] == np.arange(2))


def teachers_of(study: Study, student: LogLike) -> Sequence[LogLike]:
    """Return all teachers of a student, in the order in which it names them.

    Raises:
        LogError: one of them is not among the usable runs of the study.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> len(teachers_of(study, study.students[0]))
        5
    """
    absent = study.missing_teachers.get(student.label, ())
    if absent:
        raise LogError(
            f"run `{student.label}`: expected its teachers among the logs, got none called {', '.join(absent)}; "
            "open the root that holds them"
        )

    return study.teachers(student)


def taught_by(study: Study, student: LogLike) -> pd.DataFrame:
    """Return what each teacher of a student learned: a row for each (class, view), a column for each teacher.

    Raises:
        LogError: a teacher is not among the usable runs of the study.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> taught_by(study, study.students[0]).any(axis=1).all().item()
        True
    """
    teachers = teachers_of(study, student)
    known = race_sets(study, teachers)
    features = pd.MultiIndex.from_product([range(size) for size in known.shape[1:]], names=["class", "view"])

    return pd.DataFrame(known.reshape(len(known), -1).T, index=features, columns=[log.label for log in teachers])


def _starts(study: Study) -> pd.DataFrame:
    """Return every feature at step 0, with whether it counts as learned there."""
    table = race_features(study)

    return study.rule(table[table["step"] == 0])
