"""The lottery-winning set M, read off the initialisation, beside the view that was really learned."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.columns import TABLES
from probes.analysis.facts import exponent, moments, race_series, usable
from probes.analysis.findings.learned import RULE, LearnedRule
from probes.analysis.taps.frames import endpoints
from probes.errors import LogError
from probes.logs.protocol import LogLike

__all__ = ["adjusted_peaks", "gap_factor", "winners"]

_RULE = (
    "predicted: the view whose peak at step 0 times S^(1/(q-2)) is the larger (S from the run's evaluation, taken as "
    "equal for both views where it has none); winner: its lead is a factor 1 + 1/log^2 m or more; learned: {}"
)


def gap_factor(neurons: int) -> float:
    r"""Return :math:`1 + 1/\log^2 m`, the lead a view needs to be in M; infinite for one neuron.

    Example:
        >>> round(gap_factor(10), 3)
        1.189
    """
    return 1 + 1 / math.log(neurons) ** 2 if neurons > 1 else math.inf


def winners(
    logs: LogLike | Iterable[LogLike], *, rule: LearnedRule = RULE, frame: pd.DataFrame | None = None
) -> pd.DataFrame:
    r"""Return one row per (run, class): the view its initialisation predicts, whether it is in M, the view it learned.

    .. math::
        M = \{(i,\ell): \Lambda_{i,\ell} \ge \Lambda_{i,3-\ell}
        (S_{i,3-\ell}/S_{i,\ell})^{1/(q-2)} (1 + 1/\log^2 m)\}, \quad
        \Lambda_{i,\ell} = \max_r [\langle w^{(0)}_{i,r}, v_{i,\ell}\rangle]^+

    (`Allen-Zhu & Li, 2023 <https://arxiv.org/abs/2012.09816>`_, full version). `predicted` is the view with the larger
    side of the inequality without its gap factor, and `ratio` the smaller side over the larger; `winner` says whether
    the gap factor is exceeded, too. `learned` is "view 0", "view 1", "both" (a tie) or "none"; `losing_share` is the
    final peak of the view that was not predicted over that of the predicted one.

    Runs that continue another one are left out, because their step 0 is no initialisation, and so are runs that
    diverged, failed or have no recorded step.

    Args:
        logs: The runs of a study, or one log.
        rule: When a feature counts as learned.
        frame: Table of `features` of these runs, where it is already there; else the logs are read.

    Raises:
        LogError: If a log has no series (class, neuron, feature_class, view) with two views, does not begin at step 0,
            or has moments S but no exponent q.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> table = winners(example_study()[-1])
        >>> table["predicted"].tolist(), table["learned"].unique().tolist()
        ([0, 0, 1, 0, 0, 0], ['view 0', 'view 1'])
    """
    racing = [log for log in usable(logs) if not log.manifest.continues]
    if not racing:
        return pd.DataFrame(columns=list(TABLES["winners"]))
    neurons = [race_series(log).shape[1] for log in racing]

    ends = rule(endpoints(racing, frame=frame))
    races = [_race(log, ends[ends["run"] == log.manifest.run_id], m) for log, m in zip(racing, neurons, strict=True)]
    table = pd.concat(races, ignore_index=True).assign(rule=str(rule))
    table.attrs["rule"] = _RULE.format(rule)
    return table


def adjusted_peaks(log: LogLike, peaks: np.ndarray) -> np.ndarray:
    r"""Return :math:`\Lambda_{i,\ell} S_{i,\ell}^{1/(q-2)}`, the two sides of M's inequality, ``(class, view)``.

    Args:
        log: The run, asked for its S and q; without S both views count as equal.
        peaks: Peaks at initialisation, ``(class, view)``.

    Raises:
        LogError: If the run has moments S but no exponent q, or S of another shape.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> adjusted_peaks(example_study()[0], np.ones((6, 2))).round(2).tolist()[0]
        [0.18, 0.17]
    """
    moment = moments(log)
    if moment is None:
        return peaks
    if moment.shape != peaks.shape:
        raise LogError(
            f"run `{log.manifest.run_id}`: expected `class_view_moment` of shape {peaks.shape} (class, view), "
            f"got {moment.shape}; evaluate the run again"
        )

    return np.asarray(peaks * moment ** (1 / (exponent(log) - 2)))


def _race(log: LogLike, ends: pd.DataFrame, neurons: int) -> pd.DataFrame:
    """Return the rows of one run; its first and last step may be the same."""
    start, end = ends[ends["step"] == ends["step"].min()], ends[ends["step"] == ends["step"].max()]
    sides = adjusted_peaks(log, _by_view(start, "peak"))
    classes, predicted = np.arange(len(sides)), sides.argmax(axis=1)
    ratio = _over(sides[classes, 1 - predicted], sides[classes, predicted])
    peak, known = _by_view(end, "peak"), _by_view(end, "learned").astype(bool)

    return pd.DataFrame({
        "run": log.manifest.run_id,
        "role": log.manifest.role,
        "variant": log.manifest.variant,
        "class": classes,
        "predicted": predicted,
        "winner": ratio <= 1 / gap_factor(neurons),
        "ratio": ratio,
        "learned": np.select([known.all(axis=1), known[:, 0], known[:, 1]], ["both", "view 0", "view 1"], "none"),
        "agrees": known[classes, predicted] & ~known[classes, 1 - predicted],
        "losing_share": _over(peak[classes, 1 - predicted], peak[classes, predicted]),
    })


def _by_view(features: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of one run at one step as ``(class, view)``."""
    return features[name].to_numpy().reshape(-1, 2)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole, dtype=float)
