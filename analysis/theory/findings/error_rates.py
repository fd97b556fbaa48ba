"""Errors from stored logits: of every run by part, and in units of mu."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from probes.analysis.intervals import Estimate, rate, weighted_sum
from probes.analysis.study import Study, finding
from probes.analysis.theory.recipe import single_view_share
from probes.logs.protocol import LogLike

__all__ = ["COLUMNS", "error_rates", "in_mu", "margins", "measured_arrays", "wrong"]

COLUMNS = {
    "measure": "which error: train_error, single_view_error, multi_view_error, test_error_mu or test_error",
    "error": "share of samples where another class's output is at least the own class's, or, in mu, their sum",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "n": "number of samples",
}

_MEASURES = {
    "training": "train_error",
    "single_view": "single_view_error",
    "multi_view": "multi_view_error",
    "test": "test_error",
}


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return by how much the own class's logit exceeds each class's, ``(sample, class)``; 1 for the class itself.

    The margins of a mean of logits are the mean of the margins, so ensembles need no second look at the logits.

    Args:
        logits: ``(sample, class)``.
        labels: ``(sample,)``, integers.

    Example:
        >>> margins(np.array([[3.0, 1.0, 0.0]]), np.array([0])).tolist()
        [[1.0, 2.0, 3.0]]
    """
    samples, exact = np.arange(len(labels)), np.asarray(logits, dtype=np.float64)

    found = exact[samples, labels][:, None] - exact
    found[samples, labels] = 1
    return np.asarray(found)


def wrong(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which samples are wrong, ``(sample,)``: another class's logit is at least the own class's.

    A tie is wrong, and so is a sample with a logit that is no number.

    Args:
        logits: ``(sample, class)``.
        labels: ``(sample,)``, integers.

    Example:
        >>> wrong(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1])).tolist()
        [False, True, False]
    """
    return np.asarray(~(margins(logits, labels).min(axis=-1) > 0))


def in_mu(single_view: Estimate, multi_view: Estimate, mu: float) -> Estimate:
    """Return the test error in units of mu: single-view error rate + (1 - mu)/mu times the multi-view error rate.

    Example:
        >>> round(in_mu(rate(47, 100), rate(1, 1000), 0.04).value, 3)
        0.494
    """
    return weighted_sum([single_view, multi_view], [1.0, (1 - mu) / mu])


@finding
def error_rates(study: Study) -> pd.DataFrame:
    """Return one row per (run, measure): error and its 95 % interval over samples.

    Measures are train_error, single_view_error, multi_view_error (Wilson's interval) and test_error_mu; of runs on
    Gaussian inputs train_error and test_error. What a run's evaluation does not hold gives no row.

    Raises:
        LogError: If two runs have the same name.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> error_rates(example_study()[-1])["measure"].tolist()
        ['train_error', 'single_view_error', 'multi_view_error', 'test_error_mu']
    """
    rows = [
        (log.label, log.manifest.role, log.manifest.variant, measure, *estimate)
        for log in study.usable
        for measure, estimate in _measured(log).items()
    ]

    return pd.DataFrame(rows, columns=["run", "role", "variant", *COLUMNS])


def measured_arrays(log: LogLike) -> Mapping[str, np.ndarray]:
    """Return the arrays of the run's evaluation by name; none where it was not evaluated.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> measured_arrays(example_study()[0])["single_view/logits"].shape
        (400, 6)
    """
    evaluation = log.evaluation

    return {} if evaluation is None else evaluation.arrays


def _measured(log: LogLike) -> dict[str, Estimate]:
    """Return what the run's evaluation says, by measure."""
    arrays, mu = measured_arrays(log), single_view_share(log)
    found = {
        measure: _rate(arrays[f"{part}/logits"], arrays[f"{part}/labels"])
        for part, measure in _MEASURES.items()
        if {f"{part}/logits", f"{part}/labels"} <= set(arrays)
    }

    if mu and {"single_view_error", "multi_view_error"} <= found.keys():
        found["test_error_mu"] = in_mu(found["single_view_error"], found["multi_view_error"], mu)
    return found


def _rate(logits: np.ndarray, labels: np.ndarray) -> Estimate:
    mistakes = wrong(logits, labels)

    return rate(int(mistakes.sum()), mistakes.size)
