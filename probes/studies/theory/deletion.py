r"""The deletion test: what a class still knows when the neurons that are credited with a feature are muted.

A correlation says that a neuron points along a feature; the accuracy without it says that the network needs it there.
Axes: s = run, n = sample, i = class, r = neuron, j = feature_class, l = view, d = dim.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from probes.learners.networks import Networks
from probes.learners.samples import Inputs, Samples

__all__ = ["credited", "deletion"]


def credited(networks: Networks, features: Tensor) -> Tensor:
    r"""Return which neurons of a class are credited with each of its features, ``(run, class, neuron, view)``, bool.

    A neuron is credited with the one feature, of any class, along which it points the furthest,
    :math:`\arg\max_{j,\ell} \langle w_{i,r}, v_{j,\ell} \rangle`; only those of its own class are returned.

    Args:
        networks: Trained networks.
        features: The feature vectors, ``(feature_class, view, dim)``.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.theory.material import Material
        >>> material = Material(built_in("tiny"))
        >>> credited(material.initialise([(0,)]), material.features).shape
        torch.Size([1, 6, 4, 2])
    """
    products = torch.einsum("sird,jld->sirjl", networks.by_neuron, features.to(networks.weights))
    largest = products.flatten(3).argmax(-1)
    classes, views = features.shape[:2]
    own = torch.arange(classes, device=largest.device)[:, None, None] * views + torch.arange(
        views, device=largest.device
    )

    return largest.unsqueeze(-1) == own


def deletion(
    networks: Networks, samples: Samples, inputs: Inputs, features: Tensor, *, first_chunk: int
) -> Mapping[str, Tensor]:
    """Return accuracies on single-view test samples before and after neurons are muted, each with a run axis first.

    * ``deletion/before`` ``(run, class, view)``: on the samples of a class that show the view alone;
    * ``deletion/after`` ``(run, class, muted_view, view)``: on the same, without the neurons of that class that are
      credited with its feature ``muted_view``;
    * ``deletion/neurons`` ``(run, class, view)``: how many those are.

    NaN where there is no such sample. A sample is wrong where another class's output is at least its own.

    Args:
        networks: Trained networks.
        samples: Single-view test samples.
        inputs: What the networks see of them.
        features: The feature vectors, ``(feature_class, view, dim)``.
        first_chunk: Number of the first chunk of test noise.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> from probes.studies.theory.material import Material
        >>> material = Material(built_in("tiny"))
        >>> found = deletion(
        ...     material.initialise([(0,)]), *material.single_view_test(50), material.features, first_chunk=0
        ... )
        >>> {name: tuple(values.shape) for name, values in found.items()}
        {'deletion/before': (1, 6, 2), 'deletion/after': (1, 6, 2, 2), 'deletion/neurons': (1, 6, 2)}
    """
    parts = networks.test_contributions(inputs, first_chunk=first_chunk)
    outputs, labels = parts.sum(-1), samples.labels
    own = torch.arange(len(labels)), labels
    rivals = outputs.clone()
    rivals[:, *own] = -torch.inf
    rivals = rivals.amax(-1)

    muted = credited(networks, features)
    lost = torch.einsum("snr,snrm->snm", parts[:, *own], muted[:, labels].to(parts))
    before = outputs[:, *own] > rivals
    after = (outputs[:, *own].unsqueeze(-1) - lost) > rivals.unsqueeze(-1)

    return {
        "deletion/before": _by_feature(before, samples, muted.shape[1]),
        "deletion/after": torch.stack([_by_feature(after[..., view], samples, muted.shape[1]) for view in (0, 1)], 2),
        "deletion/neurons": muted.sum(2),
    }


def _by_feature(right: Tensor, samples: Samples, classes: int) -> Tensor:
    """Return the share of right samples ``(run, sample)`` for each label and view shown, ``(run, class, view)``."""
    place = 2 * samples.labels + samples.view
    counts = torch.bincount(place, minlength=2 * classes)
    ones = right.float()
    sums = ones.new_zeros(len(right), 2 * classes).index_add_(1, place, ones)

    shares: Tensor = (sums / counts).unflatten(1, (classes, 2))

    return shares
