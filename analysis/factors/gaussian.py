"""Networks on classes that have no views: Gaussian ones, the reference beside which the sizes of a view are read.

Networks differ in what they make of such classes, too, smoothly and along many directions, so that a permutation test
rejects there as well. Only sizes beyond these speak of views.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from probes.analysis.factors.factor import factor, gram, reliability, share, standardised, two_means
from probes.analysis.margins import margins

__all__ = ["GaussianSizes", "gaussian_drops", "gaussian_outputs", "gaussian_sizes"]

# Ten classes of which such networks have 0.88 right, and Bayes' rule 0.94.
_DIM, _APART, _HIDDEN, _TRAINING, _RIDGE = 20, 3.3, 150, 100, 1.0
_MOST_CLASSES, _MOST_SAMPLES = 10, 300


class GaussianSizes(NamedTuple):
    """Means over classes of the sizes of their leading factors."""

    share: float
    reliability: float
    two_means: float


def gaussian_outputs(
    runs: int, classes: int, samples: int, *, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what networks say of Gaussian classes: logits ``(run, sample, class)`` and labels ``(sample,)``.

    Classes are isotropic, their means random directions of one length in 20 dimensions. A network is a layer of 150
    random ReLUs of its own and a ridge regression of the classes on them, from 100 training samples a class, the same
    for all.

    Args:
        runs: Number of networks.
        classes: Number of classes.
        samples: Number of samples of each class that they are evaluated on.
        seed: Of everything.

    Example:
        >>> logits, labels = gaussian_outputs(2, 3, 50)
        >>> logits.shape, bool((logits.argmax(axis=2) == labels).mean() > 0.8)
        ((2, 150, 3), True)
    """
    networks, test, labels = _trained(runs, classes, samples, seed)

    return np.stack([one(test) for one in networks]), labels


def gaussian_drops(
    runs: int, classes: int, samples: int, cells: int, *, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return by how much margins of the same networks fall where a cell is covered, and labels ``(sample,)``.

    A cell is a block of the dimensions, set to 0, the mean over all classes; at most 20 cells.

    Args:
        runs: Number of networks.
        classes: Number of classes.
        samples: Number of samples of each class that they are evaluated on.
        cells: Number of cells.
        seed: Of everything.

    Returns:
        The drops, ``(run, sample, cell)``, and the labels.

    Example:
        >>> gaussian_drops(2, 3, 50, 4)[0].shape
        (2, 150, 4)
    """
    networks, test, labels = _trained(runs, classes, samples, seed)
    parts = np.array_split(np.arange(_DIM), cells)
    covered = [np.where(np.isin(np.arange(_DIM), part), 0, test) for part in parts]
    found = [
        np.stack([margins(one(test), labels) - margins(one(each), labels) for each in covered], axis=1)
        for one in networks
    ]

    return np.stack(found), labels


def _trained(
    runs: int, classes: int, samples: int, seed: int
) -> tuple[list[Callable[[NDArray[np.float64]], NDArray[np.float64]]], NDArray[np.float64], NDArray[np.int64]]:
    """Return networks that are trained, from inputs to logits, with the inputs and labels that they are tested on."""
    draw = np.random.default_rng(seed)
    means = draw.normal(size=(classes, _DIM))
    means *= _APART / np.linalg.norm(means, axis=1, keepdims=True)
    taught, labels = (np.repeat(np.arange(classes), count) for count in (_TRAINING, samples))
    training, test = (means[one] + draw.normal(size=(len(one), _DIM)) for one in (taught, labels))

    def layer() -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        weights, biases = draw.normal(size=(_DIM, _HIDDEN)) / np.sqrt(_DIM), draw.normal(size=_HIDDEN)
        return lambda inputs: np.maximum(inputs @ weights + biases, 0)

    return [_fitted(layer(), training, np.eye(classes)[taught]) for _ in range(runs)], test, labels


def _fitted(
    layer: Callable[[NDArray[np.float64]], NDArray[np.float64]], inputs: NDArray[np.float64], targets: NDArray[Any]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a layer with a ridge regression of the targets on it."""
    hidden = layer(inputs)
    centre = hidden.mean(axis=0)
    products = (hidden - centre).T @ (hidden - centre) + _RIDGE * np.eye(_HIDDEN)
    weights = np.linalg.solve(products, (hidden - centre).T @ targets)

    return lambda given: np.asarray((layer(given) - centre) @ weights)


@lru_cache(maxsize=32)
def gaussian_sizes(runs: int, classes: int, samples: int) -> GaussianSizes:
    """Return the sizes of the leading factor of so many networks on so many samples of Gaussian classes.

    Means over at most ten classes, of at most 300 samples each.

    Example:
        >>> found = gaussian_sizes(10, 10, 200)
        >>> bool(found.reliability < 0.3), round(found.two_means, 1)
        (True, 0.6)
    """
    logits, labels = gaussian_outputs(runs, min(classes, _MOST_CLASSES), min(samples, _MOST_SAMPLES))
    seen = np.stack([margins(one, labels) for one in logits])
    rows = [standardised(seen[:, labels == class_]) for class_ in np.unique(labels)]
    products = np.stack([gram(one) for one in rows])

    return GaussianSizes(
        float(share(products).mean()),
        float(reliability(products).mean()),
        float(np.mean([two_means(factor(one).samples) for one in rows])),
    )
