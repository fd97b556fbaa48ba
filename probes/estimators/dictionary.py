r"""Directions from dictionary learning: the atoms of which each row needs only a few.

Source: J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online dictionary learning for sparse coding", ICML 2009,
https://doi.org/10.1145/1553374.1553463 (their update of the atoms); A. Beck and M. Teboulle, "A fast iterative
shrinkage-thresholding algorithm", 2009, https://doi.org/10.1137/080716542 (the codes, of all rows at once; with
scikit-learn's call for every row several starts were measured to take five to ten times as long).

Axes: n = row, f = feature, d = dim.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.directions import Directions
from probes.directions.generators import generator
from probes.estimators.parts import directions_of_parts
from probes.estimators.reading import Data, Layout, Reading, settings
from probes.estimators.stability import unit

__all__ = ["dictionary"]

_SEARCHED = 2000  # rows on which starts are compared
_MOST_PASSES = 300
_CODE_STEPS = 10  # a pass; the codes of the pass before are their start
_SETTLED = 1e-6  # of the objective, in a pass
_TINY = 1e-9


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
    r"""The atoms of a sparse dictionary, the one that most of the data lie along first.

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
        seed: Of the starts, of the rows that are kept, and of the halves whose agreement is the stability.

    Raises:
        TypeError: batches are of another kind.
        ValueError: data and options do not fit.

    Example:
        >>> rows = torch.eye(4).repeat(50, 1) * torch.linspace(1, 2, 200).unsqueeze(1)
        >>> atoms = dictionary(rows, features=4)
        >>> bool((atoms.vectors.amax(1) > 0.99).all()), atoms.facts["stability"] > 0.99
        (True, True)
    """
    if starts < 1 or penalty <= 0:
        raise ValueError(f"expected `starts` of at least 1 and `penalty` above 0, got {starts} and {penalty}")
    options = f"features={features}, penalty={penalty}, positive={positive}, starts={starts}, most={most}"
    problem = _Problem(features, penalty, positive)

    def fit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return problem.solved(torch.from_numpy(rows), starts, seed).numpy()

    return directions_of_parts(
        fit,
        Reading(inputs, layout=layout, seed=seed),
        estimator=f"dictionary({options}, layout={settings(layout)}, seed={seed})",
        features=features,
        most=most,
        seed=seed,
    )


@dataclass(frozen=True)
class _Problem:
    features: int
    penalty: float
    positive: bool

    def solved(self, rows: Tensor, starts: int, seed: int) -> Tensor:
        """The atoms ``(feature, dim)`` from the best of several starts."""
        chance = generator("dictionary", seed)
        few = rows[torch.randperm(len(rows), generator=chance)[: max(_SEARCHED, 4 * self.features)].sort().values]
        tried = [self._descended(few, _components(few, self.features))]
        tried += [self._descended(few, _drawn(few, self.features, chance)) for _ in range(starts - 1)]
        best, _ = min(tried, key=lambda end: end[1])
        return best if len(few) == len(rows) else self._descended(rows, best)[0]

    def _descended(self, rows: Tensor, atoms: Tensor) -> tuple[Tensor, float]:
        """Atoms that no longer change much, and their objective: codes and atoms take turns."""
        codes, before = rows.new_zeros(len(rows), self.features), float("inf")
        for _ in range(_MOST_PASSES):
            codes = self._codes(rows, atoms, codes)
            rest = rows - codes @ atoms
            objective = float(rest.square().sum() / 2 + self.penalty * codes.abs().sum())
            if before - objective < _SETTLED * objective:
                break
            before = objective
            atoms = _updated(rows, codes, atoms, rest)
        return atoms, objective

    def _codes(self, rows: Tensor, atoms: Tensor, codes: Tensor) -> Tensor:
        gram, along = atoms @ atoms.T, rows @ atoms.T
        steepest = max(float(torch.linalg.eigvalsh(gram)[-1]), _TINY)
        ahead, momentum = codes, 1.0
        for _ in range(_CODE_STEPS):
            moved = ahead - (ahead @ gram - along) / steepest
            shrunk = (moved if self.positive else moved.abs()) - self.penalty / steepest
            following = shrunk.clamp(min=0) if self.positive else shrunk.clamp(min=0) * moved.sign()
            faster = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = following + (momentum - 1) / faster * (following - codes)
            codes, momentum = following, faster
        return codes


def _updated(rows: Tensor, codes: Tensor, atoms: Tensor, rest: Tensor) -> Tensor:
    """Each atom in turn at its best for the codes (Mairal et al., Algorithm 2); one that no row uses begins anew."""
    uses, wanted = codes.T @ codes, codes.T @ rows
    worst = iter(rest.square().sum(1).argsort(descending=True).tolist())
    updated = atoms.clone()
    for feature in range(len(atoms)):
        used = uses[feature, feature]
        if float(used) > _TINY:
            moved = updated[feature] + (wanted[feature] - uses[feature] @ updated) / used
        else:
            moved = rows[next(worst)]
        updated[feature] = unit(moved) if float(moved.norm()) > _TINY else atoms[feature]
    return updated


def _components(rows: Tensor, features: int) -> Tensor:
    """Principal components, towards their largest values, and rows where there are not enough of them."""
    _, _, components = torch.linalg.svd(rows, full_matrices=False)
    components *= torch.where((rows @ components.T).pow(3).sum(0) < 0, -1.0, 1.0).to(rows).unsqueeze(1)
    more = _drawn(rows, max(0, features - len(components)), generator("further atoms", 0))
    return torch.cat([components[:features], more])


def _drawn(rows: Tensor, features: int, chance: torch.Generator) -> Tensor:
    """Rows, as unit atoms, drawn with a chance like their mean squares."""
    if features == 0:
        return rows[:0]
    weights = rows.square().sum(1) + _TINY
    return unit(rows[torch.multinomial(weights, features, generator=chance)] + _TINY)
