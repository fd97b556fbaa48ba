r"""What is recorded of a study's runs at every step, besides numbers: correlations, their null, and forces.

Axes: s = run, i = class, r = neuron, j = feature_class, l = view, d = dim.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from probes.directions import Directions
from probes.learners.training import State
from probes.quantities import OwnClass, Quantity, Strength, Tap
from probes.quantities import State as Measured

__all__ = ["FORCES", "NULL", "SERIES", "forces", "looked_at", "taps"]

SERIES = "correlations"
NULL = "correlations.null"
FORCES = "forces"
TERMS = ("cross_entropy", "distillation")
NULL_SEED = 0


def taps(features: Tensor, *, own_class: bool = False) -> Mapping[str, Directions | Tap]:
    r"""Return series name to tap: every correlation, and :math:`\Phi` of as many random orthonormal directions.

    Args:
        features: The feature vectors, ``(feature_class, view, dim)``.
        own_class: Of the correlations only those of each class with its own features, ``(class, neuron, view)``.

    Example:
        >>> {name: getattr(tap, "axes", None) for name, tap in taps(torch.eye(4).reshape(2, 2, 4)).items()}
        {'correlations': None, 'correlations.null': ('class', 'feature_class', 'view')}
    """
    directions = Directions(features)
    correlations = Tap(directions, ("class", "neuron"), reduction=OwnClass()) if own_class else directions

    return {SERIES: correlations, NULL: Tap(directions.null(NULL_SEED), ("class", "neuron"), reduction=Strength())}


def forces(features: Tensor, terms: Sequence[str] = TERMS) -> Quantity:
    r"""The quantity of what each term of the objective adds to a class's own strengths in the coming update.

    .. math::
        \sum_{r:\, \langle w_{i,r}, v_{i,\ell} \rangle > 0} \langle \Delta_a w_{i,r}, v_{i,\ell} \rangle

    Summed over terms it is what the strength gains until the next step, but for neurons that cross zero; at the last
    step, which no update follows, it is 0. Axes ``(run, term, class, view)``.

    Args:
        features: The feature vectors, ``(feature_class, view, dim)``.
        terms: Names of the terms.

    Example:
        >>> weights, moved = torch.tensor([[[[2.0, -1.0]]]]), torch.tensor([[[[0.5, 0.25]]]])
        >>> added = forces(torch.eye(2).reshape(1, 2, 2), ["cross_entropy"])
        >>> added(Measured(0, {"correlations": weights, "moves.cross_entropy": moved}))
        tensor([[[[0.5000, 0.0000]]]])
    """

    def measure(state: Measured) -> Tensor:
        alive = _own(state.parameters[SERIES], features) > 0
        added = [_own(state.parameters[f"moves.{term}"], features) * alive for term in terms]
        return torch.stack([part.sum(2) for part in added], 1)

    labels = {"term": tuple(terms)}
    return Quantity(FORCES, ("run", "term", "class", "view"), measure, unit="1/step", labels=labels, quantity="force")


def looked_at(state: State) -> Mapping[str, Tensor]:
    """Return what the taps and quantities look at, from the state of a training loop.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.theory.material import Material
        >>> networks = Material(built_in("tiny")).initialise([(0,)])
        >>> list(looked_at(State(0, (0,), networks, {}, {"cross_entropy": networks.by_neuron})))
        ['correlations', 'correlations.null', 'moves.cross_entropy']
    """
    moves = {f"moves.{term}": moved for term, moved in state.moves.items()}

    return {SERIES: state.weights, NULL: state.weights, **moves}


def _own(weights: Tensor, features: Tensor) -> Tensor:
    """Return the products with the features of each class's own, ``(run, class, neuron, view)``."""
    return torch.einsum("sird,ild->sirl", weights, features.to(weights))
