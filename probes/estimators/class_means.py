r"""Directions from class means: where the samples of a class lie, seen from the others.

Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 1936,
https://doi.org/10.1111/j.1469-1809.1936.tb02137.x; shrinkage as in O. Ledoit and M. Wolf, "A well-conditioned estimator
for large-dimensional covariance matrices", 2004, https://doi.org/10.1016/S0047-259X(03)00096-4.

Axes: i, j = class, d = dim.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from probes.directions import Directions
from probes.estimators.classes import checked_classes
from probes.estimators.moments import Moments, moments_of_halves
from probes.estimators.reading import Data, Layout, Reading, Values, settings
from probes.estimators.stability import SAME_CLASS, determined, unit

__all__ = ["class_means"]

_ROUNDING = 1e-12


def class_means(
    inputs: Data,
    labels: Values | None = None,
    *,
    contrast: Literal["rest", "pairs"] = "rest",
    whiten: bool = False,
    shrinkage: float = 0.01,
    layout: Layout | None = None,
    class_names: Sequence[str] | None = None,
    seed: int = 0,
) -> Directions:
    r"""The unit directions of the differences of class means; read in one pass.

    .. math::
        u_j \propto \mu_j - \mu \quad\text{("rest": class } j \text{ against the others)}, \qquad
        u_{ij} \propto \mu_i - \mu_j \quad\text{("pairs", } i < j)

    with :math:`\mu` the mean of all samples, so that :math:`\mu_j - \mu` points the way from the others' mean to the
    class's. Whitened, they are Fisher's discriminants :math:`\Sigma^{-1} u`, of the within-class covariance
    :math:`\Sigma = (1 - s)\, S + s\, \mathrm{tr}(S)/d\; I` with shrinkage s.

    Args:
        inputs: ``(sample, dim)`` or ``(sample, patch, dim)``, whose patches all count for their sample's class; or
            batches ``(inputs, labels)``, such as a DataLoader.
        labels: Class of each sample, ``(sample,)``, from 0; where ``inputs`` is an array.
        contrast: "rest" gives a direction per class, axes ``(feature_class, dim)``; "pairs" one per pair of classes,
            axes ``(feature, dim)``, labelled "i - j".
        whiten: Whether differences are divided by the covariance within classes, which takes ``dim ** 2`` numbers.
        shrinkage: How much of that covariance is replaced by its mean variance, in (0, 1].
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``: `Patches`, ``torch.nn.Flatten()``, ...
        class_names: What the classes are called.
        seed: Of the halves whose agreement is the stability.

    Raises:
        TypeError: labels or batches are of another kind.
        ValueError: data, labels and options do not fit each other, a class has no samples, or its mean is that of all.

    Example:
        >>> inputs = torch.tensor([[1.0, 5.0], [3.0, 5.0], [-2.0, 5.0], [-2.0, 5.0]])
        >>> directions = class_means(inputs, torch.tensor([0, 0, 1, 1]), class_names=("right", "left"))
        >>> directions.names, directions.vectors
        (('feature_class',), tensor([[ 1.,  0.],
                [-1.,  0.]]))
    """
    if contrast not in {"rest", "pairs"}:
        raise ValueError(f'expected `contrast` "rest" or "pairs", got {contrast!r}')
    if not 0 < shrinkage <= 1:
        raise ValueError(f"expected `shrinkage` in (0, 1], got {shrinkage}")

    reading = Reading(inputs, labels, labelled=True, layout=layout, seed=seed)
    halves = moments_of_halves(reading, scatter=whiten)
    whole = halves[0] + halves[1]
    names = checked_classes(whole.count, class_names)

    pairs = torch.triu_indices(len(names), len(names), 1) if contrast == "pairs" else None
    strength = shrinkage if whiten else None
    vectors, first, second = (_vectors(each.padded(len(names)), pairs, strength) for each in (whole, *halves))

    whitened = f"whiten=True, shrinkage={shrinkage}" if whiten else "whiten=False"
    facts = {"estimator": f"class_means(contrast={contrast}, {whitened}, layout={settings(layout)}, seed={seed})"}
    return Directions(
        determined(vectors, "classes of one mean are no directions"),
        ("feature_class",) if pairs is None else ("feature",),
        labels=_labels(names, pairs, named=class_names is not None),
        facts={**facts, **reading.facts, **SAME_CLASS(first, second, seed=seed)},
    )


def _vectors(moments: Moments, pairs: Tensor | None, shrinkage: float | None) -> Tensor:
    """Unit directions ``(class or pair, dim)``; zeros where a class has no rows or no mean of its own."""
    mean, there = moments.mean, moments.count > 0
    if pairs is None:
        differences = (mean - moments.grand_mean) * there.unsqueeze(1)
    else:
        differences = (mean[pairs[0]] - mean[pairs[1]]) * (there[pairs[0]] & there[pairs[1]]).unsqueeze(1)
    directions = unit(differences, least=_ROUNDING * mean.norm(dim=1).max())
    return directions if shrinkage is None else unit(_whitened(directions, moments.covariance, shrinkage))


def _whitened(directions: Tensor, covariance: Tensor, shrinkage: float) -> Tensor:
    dim = len(covariance)
    variance = float(covariance.trace()) / dim or 1.0
    shrunk = (1 - shrinkage) * covariance + shrinkage * variance * torch.eye(dim, dtype=covariance.dtype)
    whitened: Tensor = torch.linalg.solve(shrunk, directions.T).T
    return whitened


def _labels(names: tuple[str, ...], pairs: Tensor | None, *, named: bool) -> dict[str, tuple[str, ...]]:
    if pairs is None:
        return {"feature_class": names} if named else {}
    return {"feature": tuple(f"{names[i]} - {names[j]}" for i, j in pairs.T.tolist())}
