"""What a run of a study of the theory takes on the disk; the recipe alone says it."""

import torch
from torch import Tensor

from probes.learners.activations import SmoothedReLU
from probes.learners.networks import Networks
from probes.learners.training import State
from probes.log.manifest import read_manifest
from probes.studies.experiment import RunSize
from probes.studies.phases import Phase
from probes.studies.theory.material import Material
from probes.studies.theory.series import TERMS, looked_at
from probes.studies.theory.trial import trial_recorder

__all__ = ["run_size"]

_FLOAT = 4


def run_size(material: Material, phase: Phase, *, own_class: bool) -> RunSize:
    """Return what one run of a phase takes.

    Args:
        material: The study.
        phase: One of its phases.
        own_class: Of the correlations only those of each class with its own features.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.theory.plan import plan
        >>> recipe = built_in("tiny")
        >>> run_size(Material(recipe), plan(recipe)[0], own_class=False).weights
        162432
    """
    recipe, members = material.recipe, phase.runs[0].networks
    headed = recipe.network.kind == "random_features"  # a class has the neurons of all, and remembers no noise
    classes, units = recipe.data.classes, recipe.network.neurons * members * (recipe.data.classes if headed else 1)
    noise = recipe.data.multi_view(1, seed=0).noise
    private = recipe.noise.form == "private" and bool(noise.any()) and not headed
    remembered = recipe.training.samples * noise.shape[1] if private else 0
    dim = material.features.shape[-1]
    weights = torch.zeros(dim, 1, classes, units)

    return RunSize(
        _recorded_values(material.features, weights, taught=phase.training.has_forces, own_class=own_class),
        weights=classes * units * (dim + remembered) * _FLOAT,
        outputs=(recipe.training.samples + 2 * recipe.measuring.test_samples) * classes * _FLOAT,
    )


def _recorded_values(features: Tensor, weights: Tensor, *, taught: bool, own_class: bool) -> int:
    """Return how many numbers a step of one run has: those of a step that is recorded and thrown away."""
    networks = Networks(weights, None, SmoothedReLU(), ((0,),), 1.0)
    moves = dict.fromkeys(TERMS if taught else (), networks.by_neuron)
    with trial_recorder(features, 1, taught=taught, own_class=own_class) as recorder:
        recorder.step(0, looked_at(State(0, (0,), networks, {}, moves)))
        return sum(one.row_bytes for one in read_manifest(recorder.paths[0]).series) // _FLOAT
