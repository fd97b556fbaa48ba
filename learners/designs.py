r"""How the patches of a block meet the weights: :math:`\langle w, x_p \rangle` forwards, :math:`\sum_p a_p x_p` back.

In the private form without feature noise a patch holds one feature at most. Then a product with the whole design, whose
cost grows with the square of the number of classes, is mostly products with 0: taking one row of the weights for each
patch does the same at a cost that grows with the number of patches and units alone.

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from probes.learners.samples import Inputs

__all__ = ["Design", "OneFeature", "Products", "design_of"]


class Design(Protocol):
    """The shared part of some samples' patches."""

    def __getitem__(self, rows: slice) -> "Design":
        """Return that of some of the samples."""

    def preactivations(self, columns: Tensor, memory: Tensor | None, *, scale: float, out: Tensor) -> None:
        """Overwrite ``out`` with ``scale`` times the inner products of patches and weights."""

    def gather(self, pushes: Tensor, gradient: Tensor) -> None:
        """Add every patch, times the push on it, to the gradient ``(dim, column)``; the pushes may be overwritten."""


@dataclass(frozen=True)
class Products:
    """Patches that hold anything: two matrix products.

    Attributes:
        patches: ``(sample, patch, dim)``.

    Example:
        >>> design, out = Products(torch.ones(1, 2, 3)), torch.empty(1, 2, 4)
        >>> design.preactivations(torch.ones(3, 4), None, scale=2.0, out=out)
        >>> out[0, 0]
        tensor([6., 6., 6., 6.])
    """

    patches: Tensor

    def __getitem__(self, rows: slice) -> "Products":
        return Products(self.patches[rows])

    def preactivations(self, columns: Tensor, memory: Tensor | None, *, scale: float, out: Tensor) -> None:
        """Overwrite ``out``, ``(sample, patch, column)``, with scale x (memory + patches x columns)."""
        flat, patches = out.flatten(0, 1), self.patches.flatten(0, 1)
        if memory is None:
            torch.mm(patches, columns, out=flat)
            if scale != 1:
                flat.mul_(scale)
        else:
            torch.addmm(memory.flatten(0, 1), patches, columns, beta=scale, alpha=scale, out=flat)

    def gather(self, pushes: Tensor, gradient: Tensor) -> None:
        """Add the patches times their pushes ``(sample, patch, column)`` to the gradient ``(dim, column)``."""
        gradient.addmm_(self.patches.flatten(0, 1).T, pushes.flatten(0, 1))


@dataclass(frozen=True)
class OneFeature:
    """Patches that hold one feature, or none: a row of the weights each.

    Attributes:
        feature: Which, ``(sample, patch)``, int64; 0 where there is none.
        strength: How strongly, ``(sample, patch, 1)``; 0 where there is none.

    Example:
        >>> design = OneFeature(torch.tensor([[2, 0]]), torch.tensor([[[1.5], [0.0]]]))
        >>> gradient = torch.zeros(3, 1)
        >>> design.gather(torch.ones(1, 2, 1), gradient)
        >>> gradient.flatten()
        tensor([0.0000, 0.0000, 1.5000])
    """

    feature: Tensor
    strength: Tensor

    def __getitem__(self, rows: slice) -> "OneFeature":
        return OneFeature(self.feature[rows], self.strength[rows])

    def preactivations(self, columns: Tensor, memory: Tensor | None, *, scale: float, out: Tensor) -> None:
        """Overwrite ``out``, ``(sample, patch, column)``, with scale x (memory + strength x row of the feature)."""
        torch.index_select(columns, 0, self.feature.flatten(), out=out.flatten(0, 1))
        out.mul_(self.strength * scale)
        if memory is not None:
            out.add_(memory, alpha=scale)

    def gather(self, pushes: Tensor, gradient: Tensor) -> None:
        """Add the patches times their pushes ``(sample, patch, column)`` to the gradient ``(dim, column)``."""
        gradient.index_add_(0, self.feature.flatten(), pushes.mul_(self.strength).flatten(0, 1))


def design_of(inputs: Inputs) -> Design:
    """Return the design of these inputs, in the cheaper of its two forms.

    On a GPU rows added to the gradient would come in an order of chance: there it is always matrix products.

    Example:
        >>> labels = torch.zeros(1, dtype=torch.int64)
        >>> design_of(Inputs(torch.tensor([[[0.0, 2.0], [0.0, 0.0]]]), torch.zeros(1, 2), labels))
        OneFeature(feature=tensor([[1, 0]]), strength=tensor([[[2.],
                 [0.]]]))
    """
    patches = inputs.design
    if patches.device.type != "cpu" or ((patches != 0).sum(-1) > 1).any():
        return Products(patches)

    feature = patches.abs().argmax(-1)

    return OneFeature(feature, patches.gather(-1, feature.unsqueeze(-1)))
