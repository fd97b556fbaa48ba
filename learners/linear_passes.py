r"""The two passes of a training step for learners that are linear in what they train (`probes.learners.linear`).

What initialisation fixed is computed once: slopes, one value per patch and neuron, as large as the noise state, or the
random features, one per sample and neuron.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, d = dim, column = run x class x neuron.
"""

import torch
from torch import Tensor

from probes.learners.designs import Design
from probes.learners.linear import Tangent, head_of, shared
from probes.learners.networks import Networks
from probes.learners.passes import Block, Share, blocks_of
from probes.learners.samples import Inputs

__all__ = ["FixedFeatures", "FixedSlopes"]


class FixedSlopes:
    r"""Both passes of a tangent learner: :math:`w \mathrel{+}= \frac{\eta}{N} \sum a\, \widetilde{ReLU}'(u^0)\, x_p`.

    Args:
        networks: The networks under training; their memory moves in place.
        inputs: The training set.
        design: Its patches.
        rate: Learning rate per sample.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.designs import design_of
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> chosen = {"classes": 2, "neurons": 3, "init_scale": 1.0, "seeds": [0], "kind": "tangent"}
        >>> networks = initialise(inputs, SmoothedReLU(), **chosen)
        >>> passes = FixedSlopes(networks, inputs, design_of(inputs), 1.0)
        >>> passes.units(passes.blocks[0]).shape
        torch.Size([6, 6])
    """

    def __init__(self, networks: Networks, inputs: Inputs, design: Design, rate: float) -> None:
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate))
        self._threshold = networks.activation.threshold
        self._columns = networks.weights.flatten(1)
        self._work = self._columns.new_empty(*self.blocks[0].noise.shape[:2], self._columns.shape[1])
        self._tangent = Tangent.at(_started(networks, inputs, design), networks.activation)

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
        work = self._work[: len(block.noise)]
        block.design.preactivations(self._columns, block.memory, scale=1.0, out=work)

        sums = work.mul_(self._tangent.slope[block.rows]).sum(1)
        return sums.add_(self._tangent.offset[block.rows]).div_(self._threshold)

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient, and to the memory, what a pull on the units ``(sample, column)`` of this block does."""
        slope, pushes = self._tangent.slope[block.rows], self._work[: len(pull)]
        torch.mul(slope, pull.unsqueeze(1), out=pushes)
        if block.memory is not None:
            block.memory.addcmul_(pushes, block.noise)
        block.design.gather(pushes, gradient)
        if share is not None:
            block.design.gather(torch.mul(slope, share.pull.unsqueeze(1), out=pushes), share.gradient)


class FixedFeatures:
    r"""Both passes of a head on random features h: :math:`a \mathrel{+}= \frac{\eta}{N} \sum_n` pull x :math:`h(X_n)`.

    A step of the head is one of the weights a :math:`w^{(0)}` along :math:`w^{(0)}`; noise plays no part in it.

    Args:
        networks: The networks under training.
        inputs: The training set.
        design: Its patches.
        rate: Learning rate per sample.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.designs import design_of
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> chosen = {"classes": 2, "neurons": 3, "init_scale": 1.0, "seeds": [0], "kind": "random_features"}
        >>> networks = initialise(inputs, SmoothedReLU(), **chosen)
        >>> passes = FixedFeatures(networks, inputs, design_of(inputs), 1.0)
        >>> passes.units(passes.blocks[0]).shape
        torch.Size([6, 12])
    """

    def __init__(self, networks: Networks, inputs: Inputs, design: Design, rate: float) -> None:
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate))
        self._threshold, self._weights = networks.activation.threshold, networks.weights
        first = networks.first_layer()
        activations = networks.activation(_started(networks, inputs, design)).sum(1)
        self._features = shared(activations.unflatten(1, first.shape[1:]), networks.members)
        self._first = shared(first, networks.members)

    def units(self, block: Block) -> Tensor:
        """Return what the head makes of every feature, in units of the threshold, ``(sample, column)``."""
        head = head_of(self._weights, self._first) / self._threshold

        return (self._features[block.rows] * head).flatten(1)

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient what a pull on the units ``(sample, column)`` of this block does."""
        for one in (Share(pull, gradient), share):
            if one is not None:
                each = one.pull.unflatten(1, self._weights.shape[1:])
                moved = (each * self._features[block.rows]).sum(0)
                one.gradient.view_as(self._weights).addcmul_(moved, self._first)


def _started(networks: Networks, inputs: Inputs, design: Design) -> Tensor:
    """Return the pre-activations of the first layer at initialisation, ``(sample, patch, column)``."""
    columns = networks.first_layer().flatten(1)
    noise = networks.noise(inputs, "training noise").flatten(2) if inputs.has_noise else None
    found = columns.new_empty(*inputs.noise.shape, columns.shape[1])
    design.preactivations(columns, noise, scale=1.0, out=found)

    return found
