"""What runs without teachers have of the features that a student was taught: the control of growth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from probes.analysis.findings.learned import learned_sets
from probes.analysis.intervals import Estimate, difference, less, rate
from probes.analysis.study import Study
from probes.analysis.taps.tap import Tap
from probes.log.protocol import LogLike

__all__ = ["control_shares", "controls_of", "flat_sets", "gain", "known_to_one"]


def controls_of(study: Study, tap: Tap, teachers: Sequence[LogLike]) -> Sequence[LogLike]:
    """Return the members with the tap that are none of the teachers; the teachers themselves where there are no others.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> study = Study(example_study())
        >>> [log.label for log in controls_of(study, study.tap(), study.members[:4])]
        ['single-04']
    """
    untaught = study.with_tap(tap, study.members)
    named = {log.label for log in teachers}

    return [log for log in untaught if log.label not in named] or list(untaught)


def control_shares(
    study: Study, tap: Tap, teachers: Sequence[LogLike], taught: NDArray[np.bool_]
) -> list[tuple[str, float]]:
    """Return each control run's label with its share of what is taught; of a teacher itself, of what others know."""
    found = []
    named = {log.label for log in teachers}
    for control in controls_of(study, tap, teachers):
        asked = taught
        if control.label in named:
            others = [log for log in teachers if log.label != control.label]
            asked = known_to_one(flat_sets(study, tap, others))
        if asked.any():
            found.append((control.label, float(flat_sets(study, tap, [control])[0][asked].mean())))

    return found


def flat_sets(study: Study, tap: Tap, logs: Sequence[LogLike]) -> NDArray[np.bool_]:
    """Return which of the runs learned which feature, ``(run, feature)``."""
    return learned_sets(study, tap, logs).reshape(len(logs), tap.features)


def known_to_one(sets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which features at least one of some runs has learned, ``(feature,)``.

    Example:
        >>> known_to_one(np.array([[True, False, False], [True, True, False]])).tolist()
        [True, True, False]
    """
    return np.asarray(sets.any(axis=0))


def gain(shares: Sequence[float], controls: Sequence[float], *, asked: int) -> Estimate:
    """Return the mean of students' shares less that of controls, with its interval over runs.

    Runs of each kind that are all equal say nothing about their spread: the interval is then that of one student less
    one control, over features. With fewer than three runs together it is empty, and so is all without runs of a kind.

    Args:
        shares: One for each student.
        controls: One for each control.
        asked: Number of features that a share is of.

    Example:
        >>> gain([1.0, 0.8], [0.2, 0.4], asked=5).n
        4
    """
    runs = len(shares) + len(controls)
    if not shares or not controls:
        return Estimate(np.nan, np.nan, np.nan, runs)
    if runs < 3:
        return Estimate(float(np.mean(shares) - np.mean(controls)), np.nan, np.nan, runs)
    if len({*shares}) == len({*controls}) == 1:
        return less(*(rate(round(kind[0] * asked), asked) for kind in (shares, controls)))._replace(n=runs)

    return difference(shares, controls)
