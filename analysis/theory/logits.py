"""From stored logits: margins, and errors in units of mu."""

from collections.abc import Mapping

import numpy as np

from probes.analysis.intervals import Estimate, weighted_sum
from probes.log.protocol import LogLike

__all__ = ["in_mu", "margins", "measured_arrays"]


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


def in_mu(single_view: Estimate, multi_view: Estimate, mu: float) -> Estimate:
    """Return the test error in units of mu: single-view error rate + (1 - mu)/mu times the multi-view error rate.

    Example:
        >>> from probes.analysis.intervals import rate
        >>> round(in_mu(rate(47, 100), rate(1, 1000), 0.04).value, 3)
        0.494
    """
    return weighted_sum([single_view, multi_view], [1.0, (1 - mu) / mu])


def measured_arrays(log: LogLike) -> Mapping[str, np.ndarray]:
    """Return the arrays of the run's evaluation by name; none where it was not evaluated.

    Example:
        >>> from probes.analysis.theory.example import example_study
        >>> measured_arrays(example_study()[0])["single_view/logits"].shape
        (400, 6)
    """
    evaluation = log.evaluation

    return {} if evaluation is None else evaluation.arrays
