r"""Directions from dictionary learning: the atoms of which each row needs only a few.

Source: J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online dictionary learning for sparse coding", ICML 2009,
https://doi.org/10.1145/1553374.1553463, as scikit-learn has it. Axes: n = row, f = feature, d = dim.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.directions import Directions
from probes.estimators.parts import directions_of_parts, missing
from probes.estimators.reading import Data, Layout, Reading, settings

__all__ = ["dictionary"]

_MOST_PASSES = 5
_SEARCHED = 1000  # rows on which starts are compared
_TINY = 1e-12


def dictionary(
    inputs: Data,
    *,
    features: int,
    penalty: float = 0.2,
    positive: bool = False,
    starts: int = 5,
    layout: Layout | None = None,
    most: int = 20_000,
    seed: int = 0,
) -> Directions:
    r"""The atoms of a sparse dictionary, the one that most of the data lie along first. Needs scikit-learn.

    .. math::
        \min_{a, u} \sum_n \tfrac12 \Big\| x_n - \sum_f a_{n,f} u_f \Big\|^2 + \alpha \|a_n\|_1,
        \qquad \|u_f\| = 1

    for rows whose mean square norm is brought to 1. Unlike principal components, atoms need not be orthogonal, and
    features of equal strength are told apart, if few of them meet in a row. The minimum found depends on the start, and
    a lower one was seen to be nearer to what was planted: of several starts the best goes on.

    Args:
        inputs: ``(sample, dim)`` or ``(sample, patch, dim)``, or batches of these; images with a ``layout``.
        features: How many atoms.
        penalty: :math:`\alpha`; the larger, the fewer atoms a row uses.
        positive: Whether codes a are >= 0, as the strength of a feature is; else u and -u count as one atom.
        starts: How many starts are tried, on some of the rows: the first from components, the others from rows.
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``: ``Patches(3)``, ``Patches.of(conv)``.
        most: How many rows (patches) are kept in memory, drawn at random.
        seed: Of the fit, of the rows that are kept, and of the halves whose agreement is the stability.

    Raises:
        UsageError: scikit-learn is not installed.
        TypeError: batches are of another kind.
        ValueError: data and options do not fit.

    Example:
        >>> import torch
        >>> rows = torch.eye(4).repeat(50, 1) * torch.linspace(1, 2, 200).unsqueeze(1)
        >>> atoms = dictionary(rows, features=4)
        >>> bool((atoms.vectors.amax(1) > 0.99).all()), atoms.facts["stability"] > 0.99
        (True, True)
    """
    if starts < 1 or penalty <= 0:
        raise ValueError(f"expected `starts` of at least 1 and `penalty` above 0, got {starts} and {penalty}")
    options = f"features={features}, penalty={penalty}, positive={positive}, starts={starts}, most={most}"

    def fit(rows: NDArray[np.float64]) -> NDArray[Any]:
        return _atoms(rows, features, penalty, positive=positive, starts=starts, seed=seed)

    return directions_of_parts(
        fit,
        Reading(inputs, layout=layout, seed=seed),
        estimator=f"dictionary({options}, layout={settings(layout)}, seed={seed})",
        features=features,
        most=most,
        seed=seed,
    )


def _atoms(
    rows: NDArray[np.float64], features: int, penalty: float, *, positive: bool, starts: int, seed: int
) -> NDArray[Any]:
    try:
        from sklearn import config_context
        from sklearn.decomposition import MiniBatchDictionaryLearning
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise missing(error) from error

    def learned(some: NDArray[np.float64], start: NDArray[np.float64] | None) -> Any:
        return MiniBatchDictionaryLearning(
            features, alpha=penalty, batch_size=256, max_iter=_MOST_PASSES, fit_algorithm="cd",
            transform_algorithm="lasso_cd", positive_code=positive, dict_init=start, random_state=seed,
        ).fit(some)  # fmt: skip

    chance = np.random.default_rng(seed)
    few = rows[np.sort(chance.permutation(len(rows))[:_SEARCHED])]
    # Each row is encoded by a call of its own, which spends most of its time on checks.
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        # Whether the atoms are worth anything is what the stability says.
        warnings.simplefilter("ignore", ConvergenceWarning)
        tried = [learned(few, _start(few, features, chance) if number else None) for number in range(starts)]
        best = min(tried, key=lambda model: _objective(few, model.transform(few), model.components_, penalty))
        atoms: NDArray[Any] = learned(rows, best.components_).components_
    return atoms


def _start(rows: NDArray[np.float64], features: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Rows drawn with a chance like their mean squares, as unit atoms; scikit-learn itself starts from components."""
    squares = np.square(rows).sum(1) + _TINY
    drawn = rows[chance.choice(len(rows), features, replace=False, p=squares / squares.sum())]
    atoms: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True).clip(min=_TINY)
    return atoms


def _objective(rows: NDArray[Any], codes: NDArray[Any], atoms: NDArray[Any], penalty: float) -> float:
    return float(np.square(rows - codes @ atoms).sum() / 2 + penalty * np.abs(codes).sum())
