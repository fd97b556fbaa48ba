r"""Directions from linear probes: the weights of a multinomial logistic regression on inputs or activations.

Source: G. Alain and Y. Bengio, "Understanding intermediate layers using linear classifier probes", 2016,
https://arxiv.org/abs/1610.01644. Axes: n = row, j = class, d = dim.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b
from torch import Tensor

from probes.directions import Directions
from probes.estimators.classes import checked_classes
from probes.estimators.reading import Data, Layout, Reading, Rows, Values, settings
from probes.estimators.sampling import sampled
from probes.estimators.stability import SAME_CLASS, determined, unit

__all__ = ["linear_probes"]

_MOST_PASSES = 2000
_STEEPEST = 1e-7  # of the gradient, in units of the loss
_FLAT = 1e-6  # weights by which no logit moves


def linear_probes(
    inputs: Data,
    labels: Values | None = None,
    *,
    penalty: float = 1e-3,
    layout: Layout | None = None,
    class_names: Sequence[str] | None = None,
    most: int = 50_000,
    seed: int = 0,
) -> Directions:
    r"""The unit weights of linear probes, one per class.

    .. math::
        \min_{W, b} \frac1N \sum_n -\log \mathrm{softmax}_{y_n}(W x_n + b) + \frac{\lambda \sigma^2}{2} \|W\|_F^2

    with :math:`\sigma^2` the mean variance of an input, so that :math:`\lambda` has no unit. The minimum is unique; it
    is found by L-BFGS (D. C. Liu and J. Nocedal, 1989, https://doi.org/10.1007/BF01589116) in float64. The facts hold
    the ``accuracy`` of each half's probes on the other half, and the largest entry of the ``gradient`` that is left.

    Args:
        inputs: ``(sample, dim)`` or ``(sample, patch, dim)``, whose patches all count for their sample's class; or
            batches ``(inputs, labels)``, such as a DataLoader. Activations of a layer are inputs like any other.
        labels: Class of each sample, ``(sample,)``, from 0; where ``inputs`` is an array.
        penalty: :math:`\lambda`.
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``: `Patches`, ``torch.nn.Flatten()``, or
            the part of a network in front of the layer, in evaluation mode.
        class_names: What the classes are called.
        most: How many rows are kept in memory, drawn at random.
        seed: Of the rows that are kept, and of the halves whose agreement is the stability.

    Raises:
        TypeError: labels or batches are of another kind.
        ValueError: data, labels and options do not fit each other, a class has no samples, or nothing tells it apart.

    Example:
        >>> inputs = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
        >>> probes = linear_probes(inputs, (inputs[:, 1] > 0).long())
        >>> probes.vectors.round(decimals=1).abs()
        tensor([[0., 1., 0.],
                [0., 1., 0.]])
        >>> probes.facts["accuracy"] > 0.9
        True
    """
    if penalty <= 0:
        raise ValueError(f"expected `penalty` above 0, got {penalty}")
    reading = Reading(inputs, labels, labelled=True, layout=layout, seed=seed)
    rows = sampled(reading, most=most, seed=seed)
    names = checked_classes(torch.bincount(rows.labels), class_names)

    whole, *fits = (_fitted(each, len(names), penalty) for each in (rows, rows.of_half(0), rows.of_half(1)))
    right = [fit.right(rows.of_half(1 - half)) for half, fit in enumerate(fits)]

    options = f"penalty={penalty}, layout={settings(layout)}, most={most}, seed={seed}"
    return Directions(
        determined(whole.directions, "nothing in the data tells these classes from the others"),
        ("feature_class",),
        labels={} if class_names is None else {"feature_class": names},
        facts={
            "estimator": f"linear_probes({options})",
            **reading.facts,
            "rows": len(rows.labels),
            "accuracy": sum(right) / len(rows.labels),
            "gradient": whole.gradient,
            **SAME_CLASS(fits[0].directions, fits[1].directions, seed=seed),
        },
    )


@dataclass(frozen=True)
class _Probes:
    """Weights ``(class, dim + 1)``, bias last, for inputs less ``mean`` and over ``scale``."""

    weights: Tensor
    mean: Tensor
    scale: float
    gradient: float
    there: Tensor  # (class,): whether there were rows of it

    @property
    def directions(self) -> Tensor:
        """Unit weights ``(class, dim)``; zeros for a class that was not there, or that nothing tells apart."""
        return unit(self.weights[:, :-1] * self.there.unsqueeze(1), least=_FLAT)

    def right(self, rows: Rows) -> int:
        """How many rows they put into their class."""
        logits = _with_one((rows.values - self.mean) / self.scale) @ self.weights.T
        return int((logits.argmax(1) == rows.labels).sum())


def _fitted(rows: Rows, classes: int, penalty: float) -> _Probes:
    there = torch.bincount(rows.labels, minlength=classes) > 0
    mean = rows.values.mean(0) if len(rows.labels) else rows.values.new_zeros(rows.values.shape[1])
    scale = float((rows.values - mean).square().mean().sqrt()) if len(rows.labels) else 0.0
    scale = scale or 1.0
    inputs = _with_one((rows.values - mean) / scale)
    truth = torch.nn.functional.one_hot(rows.labels, classes).to(inputs)
    penalties = torch.full((inputs.shape[1],), penalty, dtype=inputs.dtype)
    penalties[-1] = 0  # the bias is free

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = torch.from_numpy(flat).view(classes, -1)
        logits = (inputs @ weights.T).log_softmax(1)
        count = max(1, len(inputs))
        loss = (penalties * weights.square()).sum() / 2 - (truth * logits).sum() / count
        gradient = (logits.exp() - truth).T @ inputs / count + penalties * weights
        return float(loss), gradient.flatten().numpy()

    start = np.zeros(classes * inputs.shape[1])
    # Only the gradient ends the search: the loss is flat long before the directions stand still.
    weights, _, end = fmin_l_bfgs_b(objective, start, m=20, factr=0, pgtol=_STEEPEST, maxiter=_MOST_PASSES)
    return _Probes(torch.from_numpy(weights).view(classes, -1), mean, scale, float(np.abs(end["grad"]).max()), there)


def _with_one(values: Tensor) -> Tensor:
    return torch.nn.functional.pad(values, (0, 1), value=1.0)
