r"""Two learners that are linear in what they train (Section 2.1): the tangent of a network, and a head on its neurons.

Both start from the patch network of Definition 3.4 and keep part of it as initialisation left it. With
:math:`u^0 = \langle w^{(0)}_{i,r}, x_p \rangle`,

.. math::
    F^{lin}_i(X) = \sum_r \sum_p \widetilde{ReLU}(u^0) + \widetilde{ReLU}'(u^0)\,\langle w_{i,r} - w^{(0)}_{i,r}, x_p
    \rangle, \qquad
    F^{rf}_i(X) = \sum_{j,r} a_{i,(j,r)} \sum_p \widetilde{ReLU}(\langle w^{(0)}_{j,r}, x_p \rangle) .

* "tangent" trains w in the first form: gradient descent with the neural tangent kernel at initialisation
  (`Jacot et al., 2018 <https://arxiv.org/abs/1806.07572>`_).
* "random_features" trains the head a in the second, from 0 (`Rahimi & Recht, 2007
  <https://papers.nips.cc/paper/3182>`_): one map of k x m random neurons, which all classes share, as is usual, and as
  many as the network has. A class that had its own m alone could not say that a view of another class speaks against
  it. Its weights are kept as a :math:`w^{(0)}`, the contribution of a neuron to a class along its direction: what is
  recorded as correlation is a :math:`\langle w^{(0)}, v \rangle`, and every class has k x m neurons.

Axes: s = run, i = class, r = neuron, n = sample, p = patch, d = dim, column = run x class x neuron.
"""

from dataclasses import dataclass

from torch import Tensor

from probes.learners.activations import SmoothedReLU

__all__ = ["Tangent", "head_of", "shared"]


@dataclass(frozen=True)
class Tangent:
    r"""Activations as linear functions of the pre-activations, summed over patches: offset + slope x u.

    Attributes:
        slope: :math:`\widetilde{ReLU}'(u^0)`, ``(sample, patch, column)``.
        offset: :math:`\sum_p \widetilde{ReLU}(u^0) - \widetilde{ReLU}'(u^0) u^0`, ``(sample, column)``.

    Example:
        >>> import torch
        >>> tangent = Tangent.at(torch.full((1, 1, 1), 0.25), SmoothedReLU(q=3, threshold=0.5))
        >>> tangent.slope.item(), round(tangent(torch.ones(1, 1, 1)).item(), 4)
        (0.25, 0.2083)
    """

    slope: Tensor
    offset: Tensor

    @classmethod
    def at(cls, start: Tensor, activation: SmoothedReLU) -> "Tangent":
        """Return the tangent at pre-activations ``(sample, patch, column)``."""
        slope = activation.derivative(start)

        return cls(slope, (activation(start) - slope * start).sum(1))

    def __call__(self, preactivations: Tensor) -> Tensor:
        """Return the activations summed over patches, ``(sample, column)``."""
        return (self.slope * preactivations).sum(1) + self.offset


def shared(first: Tensor, members: int) -> Tensor:
    """Return what a first layer holds, arranged as all classes share it.

    Args:
        first: ``(..., run, class, neuron)``, where the neurons of a run's members stand one after the other.
        members: Networks that a run averages.

    Returns:
        ``(..., run, 1, neuron)``, with members x class x neuron of one member as neurons.

    Example:
        >>> import torch
        >>> shared(torch.tensor([[[1, 2], [3, 4]]]), members=2)
        tensor([[[1, 3, 2, 4]]])
    """
    found: Tensor = first.unflatten(-1, (members, -1)).transpose(-3, -2).flatten(-3).unsqueeze(-2)

    return found


def head_of(weights: Tensor, first: Tensor) -> Tensor:
    r"""Return the head a of weights a :math:`w^{(0)}`, ``(run, class, neuron)``.

    Args:
        weights: ``(dim, run, class, neuron)``.
        first: :math:`w^{(0)}` as `shared` arranges it, ``(dim, run, 1, neuron)``.

    Example:
        >>> import torch
        >>> first = torch.tensor([1.0, -2.0]).view(2, 1, 1, 1)
        >>> head_of(3 * first, first)
        tensor([[[3.]]])
    """
    head: Tensor = (weights * first).sum(0) / first.square().sum(0)

    return head
