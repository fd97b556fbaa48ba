r"""When each feature is learned, and in which order, beside the step at which the theory expects its race to be over.

**Predicted escape time.** Near the initialisation every output is about 0, so that the own class's softmax is 1/k, and
a neuron with :math:`x = \langle w, v_{i,\ell} \rangle` on a patch of weight z has the derivative
:math:`(xz/\varrho)^{q-1}`. One step of gradient descent on the mean loss therefore adds

.. math::
    \Delta x = \eta \, \tfrac{k-1}{k} \, \frac{S_{i,\ell}}{\varrho^{q-1}} \, x^{q-1}, \quad
    S_{i,\ell} = E[1_{y=i} \sum_p z_p^q]

(S as it is stored with the evaluation: 1/k of the samples are of class i, so S already holds that factor). From
:math:`x_0`, the peak at step 0, this escapes to infinity after

.. math::
    T_0 = \frac{k}{k-1} \, \frac{\varrho^{q-1}}{\eta \, (q-2) \, S_{i,\ell} \, x_0^{q-2}} .

Left out: noise on the patches of the class (it makes neurons faster), the opposing gradient of other classes' samples
(slower), and the few steps that a neuron beyond :math:`\varrho` needs to become strong.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from probes.analysis.findings.features import ends, every_step, features
from probes.analysis.findings.timing import settled
from probes.analysis.rule import last_steps
from probes.analysis.study import Study, finding
from probes.analysis.theory.recipe import constant, correlation_series, exponent, moments
from probes.analysis.theory.roles import WHO, race_features
from probes.log.protocol import LogLike

__all__ = ["COLUMNS", "escape_times", "timing"]

COLUMNS = {
    "crossing_after": "last step looked at at which the feature did not count as learned",
    "crossing": "step from which on the feature counts as learned for good",
    "order": "place of the crossing in its run, from 1",
    "escape_time": "predicted crossing T0, in steps",
}

_TABLE = (*WHO, "class", "view", *COLUMNS, "rule")
_RULE = (
    "crossing: first step looked at from which on the feature counts as learned at all later ones, after the step "
    "crossing_after; escape_time: k/(k-1) rho^(q-1) / (eta (q-2) S x0^(q-2)), for runs without a teacher; {}"
)


@finding
def timing(study: Study, *, every: int | None = None) -> pd.DataFrame:
    """Return one row per (run, class, view): the step at which it is learned for good, and the predicted one.

    `crossing` is empty where the feature is not learned at the end, and the first recorded step where it was learned
    all the time. `order` counts a run's features by their crossing, from 1; those that cross together share a place.
    `escape_time` is T0 of the module's text from the feature's own initial peak, empty for a run with teachers, for one
    that continues another, and where recipe and evaluation do not give eta, rho, q and S.

    Args:
        study: A study of the theory, logs, or a path.
        every: Look at every so many-th recorded step, 1 for all; by default at about 200 steps a run.

    Raises:
        LogError: a log has no series (class, neuron, feature_class, view), or two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> timing(example_study()[-1], every=1)[["class", "view", "crossing_after", "crossing", "order"]].head(3)
           class  view  crossing_after  crossing  order
        0      0     0              16        17      4
        1      0     1             400      <NA>   <NA>
        2      1     0              13        14      1
    """
    by_run = dict(iter(ends(race_features(study)).groupby("run", observed=True)))
    tables = [_crossings(study, log, by_run[log.label], _pieces(study, log, every)) for log in study.usable]

    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    table = table.reindex(columns=list(_TABLE))
    table.attrs["rule"] = _RULE.format(study.rule)
    return table


def escape_times(log: LogLike, peaks: np.ndarray) -> np.ndarray:
    """Return T0 of each feature, ``(class, view)``; NaN where something is missing, infinite for a peak of 0.

    Args:
        log: The run, asked for eta, rho, q and S.
        peaks: Peaks at step 0, ``(class, view)``.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> escape_times(example_study()[0], np.ones((6, 2))).shape
        (6, 2)
    """
    rate, threshold = constant(log, "learning_rate", "training"), constant(log, "threshold", "network")
    moment, classes = moments(log), len(peaks)
    if rate is None or threshold is None or moment is None or log.manifest.parents or log.manifest.continues:
        return np.full(peaks.shape, np.nan)
    q = exponent(log)

    with np.errstate(divide="ignore"):
        times = threshold ** (q - 1) / (rate * (q - 2) * moment * peaks ** (q - 2))
    return np.asarray(classes / (classes - 1) * times if classes > 1 else np.full(peaks.shape, np.nan))


def _pieces(study: Study, log: LogLike, every: int | None) -> Iterable[pd.DataFrame]:
    """Return the run's table of features; of all steps in pieces that fit into memory."""
    name = correlation_series(log).name
    if every == 1:
        return every_step(study, log, name)
    table = features(study, name, every=every)

    return [table[table["run"] == log.label]]


def _crossings(study: Study, log: LogLike, rows: pd.DataFrame, pieces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    start, last = rows[rows["step"] == rows["step"].iloc[0]].reset_index(drop=True), last_steps(rows)
    shape = tuple(start[["class", "view"]].nunique())
    # The rule needs the run's last step, wherever a piece lies.
    ruled = (study.rule(pd.concat([piece, last])).head(len(piece)) for piece in pieces)
    after, crossing = _settled_in(ruled, len(start))
    predicted = escape_times(log, start["peak"].to_numpy(dtype=float).reshape(shape))

    table: pd.DataFrame = start.assign(
        run=log.label,
        role=log.manifest.role,
        variant=log.manifest.variant,
        crossing_after=pd.array(after, dtype="Int64"),
        crossing=pd.array(crossing, dtype="Int64"),
        escape_time=predicted.ravel(),
        rule=str(study.rule),
    )
    table["order"] = table["crossing"].rank(method="min").astype("Int64")

    return table


def _settled_in(pieces: Iterable[pd.DataFrame], features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what `settled` finds of each of so many features, of the pieces in order as of one."""
    after, crossing = np.full((2, features), np.nan)
    for piece in pieces:
        steps = piece["step"].to_numpy()[::features]
        failed, since = settled(steps, piece["learned"].to_numpy(dtype=bool).reshape(-1, features))
        # Where it holds in the whole piece, it does so since it last failed, or since the piece begins.
        whole = np.isnan(failed)
        after, crossing = np.where(whole, after, failed), np.where(whole, np.fmin(crossing, since), since)

    return after, crossing
