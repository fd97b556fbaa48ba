r"""Memorisation: how far a network's neurons reach along the noise of its own training samples.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, f = feature, d = dim.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from probes.learners.networks import Networks
from probes.learners.samples import MULTI_VIEW
from probes.studies.theory.material import Material

__all__ = ["noise_strength"]


def noise_strength(networks: Networks, material: Material) -> Mapping[str, Tensor]:
    r"""Return the noise that is memorised, a mean over training samples, name to ``(run,)``.

    :math:`\sum_r \sum_p [\langle w_{y,r}, \xi_p \rangle]^+` over the neurons of a sample's own class y: at
    initialisation it is small, and it grows where a sample is learned by heart. Multi-view and single-view samples
    apart, as ``noise_multi_view`` and ``noise_single_view``; a kind that the training set lacks is left out, and both
    are for random features, whose neurons never move.

    Args:
        networks: Networks of the study.
        material: The study.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> material = Material(built_in("tiny"))
        >>> found = noise_strength(material.initialise([(0,)]), material)
        >>> {name: tuple(values.shape) for name, values in found.items()}
        {'noise_multi_view': (1,), 'noise_single_view': (1,)}
    """
    if networks.kind == "random_features":
        return {}
    samples = material.training
    strength = _products(networks, material).clamp(min=0).sum((1, 3))
    kinds = {"noise_multi_view": samples.view == MULTI_VIEW, "noise_single_view": samples.view != MULTI_VIEW}

    return {name: strength[kind].mean(0) for name, kind in kinds.items() if kind.any()}


def _products(networks: Networks, material: Material) -> Tensor:
    """Return the products of each sample's noise with the neurons of its class, ``(sample, patch, run, neuron)``."""
    samples = material.training
    each, labels = torch.arange(len(samples)), samples.labels
    if networks.memory is not None:
        return networks.memory.movedim(3, 1)[each, labels]

    # What is left of a patch when its features are taken away.
    features = material.features.flatten(0, 1).to(networks.weights)
    noise = material.training_inputs.design - samples.coefficients.to(features) @ features
    own = networks.weights[:, :, labels]
    return torch.einsum("npd,dsnr->npsr", noise, own)
