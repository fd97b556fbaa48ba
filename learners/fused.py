r"""The two passes of a training step with what lies between the matrix products fused by `torch.compile`.

That is for whatever the loops of `probes.learners.loops` do not cover: patches in finite dimension or with feature
noise, other dtypes than float32, a GPU. The pre-activations are kept from the first pass to the second, as to compute
them anew would be another matrix product; each pass reads them once.

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from probes.learners.designs import Design
from probes.learners.loops import compiler, warn_not_compiled
from probes.learners.networks import Networks
from probes.learners.passes import Block, Share, blocks_of
from probes.learners.samples import Inputs

__all__ = ["Fused", "can_fuse"]

# Pre-activations of one block. Ten runs of the theory recipe with feature noise took 51.5, 37.9 and 35.1 ms a step in
# blocks of 0.6, 1.2 and 4 million, with plain operations 51.8, and the two matrix products alone 21.4.
BLOCK_VALUES = 4_000_000


class Fused:
    """Both passes with one loop each beside the matrix products.

    Args:
        networks: The networks under training; their memory moves in place.
        inputs: The training set.
        design: Its patches.
        rate: Learning rate per sample.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.designs import design_of
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.zeros(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> passes = Fused(networks, inputs, design_of(inputs), 1.0)
        >>> [block.rows for block in passes.blocks]
        [slice(0, 6, None)]
    """

    def __init__(self, networks: Networks, inputs: Inputs, design: Design, rate: float) -> None:
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate, values=BLOCK_VALUES))
        self._columns = networks.weights.flatten(1)
        shape = (*self.blocks[0].noise.shape[:2], self._columns.shape[1])
        preactivation, self._pushes = (self._columns.new_empty(shape) for _ in range(2))
        scale = self._columns.new_tensor(1 / networks.activation.threshold)
        self._all = _Terms(preactivation, scale, networks.activation.q)

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
        terms, (units, _) = self._terms(block), _fused()
        block.design.preactivations(self._columns, block.memory, scale=1.0, out=terms.preactivation)

        return units(terms)

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient, and to the memory, what a pull on the units ``(sample, column)`` of this block does."""
        terms, pushes, (_, push) = self._terms(block), self._pushes[: len(pull)], _fused()
        push(terms, pull, pushes, block.memory, block.noise)
        block.design.gather(pushes, gradient)
        if share is not None:
            push(terms, share.pull, pushes, None, block.noise)
            block.design.gather(pushes, share.gradient)

    def _terms(self, block: Block) -> "_Terms":
        return self._all._replace(preactivation=self._all.preactivation[: len(block.noise)])


class _Terms(NamedTuple):
    """What a loop reads.

    Attributes:
        preactivation: ``(sample, patch, column)``.
        scale: 1 / threshold.
        q: Exponent of the activation.
    """

    preactivation: Tensor
    scale: Tensor
    q: int

    def ratio(self) -> Tensor:
        """Return pre-activations / threshold; inside a loop they are never stored."""
        return self.scale * self.preactivation


@cache
def can_fuse(device: torch.device) -> bool:
    """Return whether `torch.compile` works on a device, tried on numbers without meaning; where not, say so once.

    Args:
        device: Where networks are trained.

    Example:
        >>> isinstance(can_fuse(torch.device("cpu")), bool)
        True
    """

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, device=device)

    block = (30, 17, 1184)  # of usual size: for less it would be made for one thread
    terms = _Terms(zeros(*block), zeros(), 3)
    try:
        if device.type == "cpu":
            compiler()
        with warnings.catch_warnings(action="ignore"):  # PyTorch loads parts of its own that it calls deprecated
            units, push = _fused()
            push(terms, units(terms), zeros(*block), zeros(*block), zeros(30, 17, 1))
    except (RuntimeError, OSError, ImportError) as error:  # of a compiler, its headers, or this version of PyTorch
        reason = str(error).strip().partition("\n")[0]
        warn_not_compiled(reason)
        return False

    return True


@cache
def _fused() -> tuple[Callable[..., Tensor], Callable[..., None]]:
    """Return both loops; the compiler behind them takes seconds to load, so only whoever compiles loads it."""
    # Shapes are variables of the loops: blocks, and runs that leave, need no further compilation.
    return torch.compile(_units, dynamic=True), torch.compile(_push, dynamic=True)


def _units(terms: _Terms) -> Tensor:
    """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
    ratio = terms.ratio()
    base = ratio.clamp(0, 1)

    return (_power(base, terms.q) * (1 / terms.q) + (ratio - base).clamp(min=0)).sum(1)


def _push(terms: _Terms, pull: Tensor, pushes: Tensor, memory: Tensor | None, noise: Tensor) -> None:
    """Overwrite the pushes on patches, ``(sample, patch, column)``, and move the memory, if there is one."""
    push = _power(terms.ratio().clamp(0, 1), terms.q - 1) * pull.unsqueeze(1)
    pushes.copy_(push)
    if memory is not None:
        memory.add_(push * noise)


def _power(base: Tensor, exponent: int) -> Tensor:
    """Return the power by multiplication: a loop over ``exponent`` makes it a constant of what is compiled.

    The activation's own methods raise to a power that is a variable there: a step took 1.4 to 4.6 times as long.
    """
    power = base
    for _ in range(exponent - 1):
        power = power * base

    return power
