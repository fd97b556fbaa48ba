r"""The two passes of a training step over one block of samples, as PyTorch operations one after the other.

What costs is passes over the pre-activations, one value per patch and neuron. The first pass turns them into
activations and derivatives; the objective then says how the outputs are pulled; the second moves the memory and gathers
the gradient.

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from probes.learners.designs import Design
from probes.learners.networks import BLOCK_VALUES, Networks, blocks
from probes.learners.samples import Inputs

__all__ = ["Block", "Eager", "Passes", "Share", "blocks_of"]


@dataclass(frozen=True)
class Block:
    """Some samples of the training set, and the private part of their pre-activations.

    Attributes:
        rows: Which samples.
        design: What their patches share with others.
        memory: Their part of the noise state, ``(sample, patch, column)``, a view: it moves in place.
        noise: Learning rate x squared norm of the private noise, ``(sample, patch, 1)``.

    Example:
        >>> from probes.learners.designs import Products
        >>> block = Block(slice(0, 2), Products(torch.ones(2, 3, 4)), torch.zeros(2, 3, 8), torch.ones(2, 3, 1))
        >>> block.design.patches.shape
        torch.Size([2, 3, 4])
    """

    rows: slice
    design: Design
    memory: Tensor | None
    noise: Tensor


def blocks_of(
    networks: Networks, inputs: Inputs, design: Design, *, rate: float, values: int = BLOCK_VALUES
) -> Iterator[Block]:
    """Yield the training set in blocks.

    Args:
        networks: The networks under training.
        inputs: The training set.
        design: What its patches share.
        rate: Learning rate per sample.
        values: Pre-activations of one block, about.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.designs import design_of
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> [block.rows for block in blocks_of(networks, inputs, design_of(inputs), rate=1.0, values=100)]
        [slice(0, 4, None), slice(4, 6, None)]
    """
    noise = rate * inputs.noise.square().unsqueeze(-1)
    memory = None if networks.memory is None else networks.memory.flatten(2)
    for rows in blocks(inputs, networks.weights[0].numel(), values=values):
        yield Block(rows, design[rows], None if memory is None else memory[rows], noise[rows])


class Share(NamedTuple):
    """A share of the pull that is told apart; it moves no memory, as the whole pull does that.

    Attributes:
        pull: On the units of a block, ``(sample, column)``.
        gradient: What it does to the weights is added here, ``(dim, column)``.

    Example:
        >>> Share(torch.ones(2, 8), torch.zeros(4, 8)).gradient.shape
        torch.Size([4, 8])
    """

    pull: Tensor
    gradient: Tensor


class Passes(Protocol):
    """The two passes of a step, over one block after the other."""

    blocks: tuple[Block, ...]

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient, and to the memory, what a pull on the units of this block does.

        Args:
            block: The block that `units` was asked for last.
            pull: The pull on its units, ``(sample, column)``.
            gradient: ``(dim, column)``.
            share: The part of this pull that has a gradient of its own; None where there is none.
        """


class Eager:
    """Both passes as plain operations, with work space that every block uses again.

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
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> passes = Eager(networks, inputs, design_of(inputs), 1.0)
        >>> passes.units(passes.blocks[0]).shape
        torch.Size([6, 6])
    """

    def __init__(self, networks: Networks, inputs: Inputs, design: Design, rate: float) -> None:
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate))
        self._activation = networks.activation
        self._columns = networks.weights.flatten(1)
        shape = (*self.blocks[0].noise.shape[:2], self._columns.shape[1])
        self._ratio, self._power, self._slope = (self._columns.new_empty(shape) for _ in range(3))

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
        count = len(block.noise)
        ratio, power, slope = self._ratio[:count], self._power[:count], self._slope[:count]
        block.design.preactivations(self._columns, block.memory, scale=1 / self._activation.threshold, out=ratio)

        return self._activation.split_(ratio, power, slope).sum(1)

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient, and to the memory, what a pull on the units ``(sample, column)`` of this block does."""
        slope, pushes = self._slope[: len(pull)], self._power[: len(pull)]
        torch.mul(slope, pull.unsqueeze(1), out=pushes)
        if block.memory is not None:
            block.memory.addcmul_(pushes, block.noise)
        block.design.gather(pushes, gradient)
        if share is not None:
            block.design.gather(torch.mul(slope, share.pull.unsqueeze(1), out=pushes), share.gradient)
