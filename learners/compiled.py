r"""The two passes of a training step as two loops in C++, which `torch.compile` writes and a compiler translates.

Each loop reads the noise state once, and nothing is kept between the two: to compute a pre-activation anew from the
memory and one row of the weights is cheaper than to store it. The numbers are those of the plain operations up to
float32 rounding.

Which form trains is settled before the first step, by the size of a single run, the number of all its steps and the
environment alone: so a run is trained alike beside any others, and a study is gone on with as it was begun. The
environment variable ``PROBES_COMPILE`` says ``auto`` (compile what is large), ``0`` (never) or ``1`` (always).

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from probes.learners.designs import OneFeature, design_of
from probes.learners.linear_passes import FixedFeatures, FixedSlopes
from probes.learners.networks import Networks
from probes.learners.passes import Block, Eager, Passes, blocks_of
from probes.learners.samples import Inputs

__all__ = ["Compiled", "passes_of", "worth_compiling"]

_LOGGER = logging.getLogger("probes")

# Values of one run's noise state x steps from which `auto` compiles. To compile took 10 to 40 s; each value and step
# took 2 to 3 ns less afterwards, so that ten such runs together earn it back.
WORTH = 500_000_000
# Values of one block. Each block is a few calls, which cost more than a cache that holds it gains: at ten runs of the
# theory recipe's size a step took 31.7, 27.4 and 24.2 ms in blocks of 0.6, 1.2 and 14 million, the copy of it all 7.0.
BLOCK_VALUES = 4_000_000
# Patches that are read side by side, at most: as many streams of memory as a core fetches ahead of.
SIDE_BY_SIDE = 24
# A row of the weights needs no check at every value. The two thresholds keep the second loop from being split into one
# that stores its pushes and one that adds them to the memory.
_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "assert_indirect_indexing": False,
    "realize_reads_threshold": 30,
    "realize_opcount_threshold": 300,
}


def worth_compiling(networks: Networks, inputs: Inputs, steps: int) -> bool:
    """Return whether training is to be compiled, as ``PROBES_COMPILE`` says.

    Args:
        networks: Networks that are to be trained; how many runs they are does not count.
        inputs: The training set.
        steps: Number of updates of the whole training, those already done included.

    Raises:
        ValueError: If ``PROBES_COMPILE`` is neither ``auto`` nor ``0`` nor ``1``.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> worth_compiling(networks, inputs, 1000)
        False
    """
    wish = os.environ.get("PROBES_COMPILE", "auto")
    if wish not in ("auto", "0", "1"):
        raise ValueError(f"expected `PROBES_COMPILE` to be auto, 0 or 1, got {wish!r}: set it anew, or unset it")
    if wish != "auto":
        return wish == "1"

    return inputs.noise.numel() * networks.weights[0, 0].numel() * steps >= WORTH


def passes_of(networks: Networks, inputs: Inputs, rate: float, *, compiled: bool) -> Passes:
    """Return the passes over a training set, compiled where that is asked for and can be done.

    Args:
        networks: The networks under training; their memory will move in place.
        inputs: The training set.
        rate: Learning rate per sample.
        compiled: Whether to compile. Without a compiler, private noise, or patches of one feature each, it is not done,
            nor for what is linear in what it trains.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> type(passes_of(networks, inputs, 1.0, compiled=False)).__name__
        'Eager'
    """
    design = design_of(inputs)
    if networks.kind == "tangent":
        return FixedSlopes(networks, inputs, design, rate)
    if networks.kind == "random_features":
        return FixedFeatures(networks, inputs, design, rate)
    if compiled and networks.memory is not None and isinstance(design, OneFeature) and _works():
        return Compiled(networks, networks.memory.flatten(2), inputs, design, rate)

    return Eager(networks, inputs, design, rate)


class Compiled:
    """Both passes as loops in C++, for private noise and patches of one feature each.

    Args:
        networks: The networks under training.
        memory: Their noise state, ``(sample, patch, column)``, a view.
        inputs: The training set.
        design: Its patches.
        rate: Learning rate per sample.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> passes = Compiled(networks, networks.memory.flatten(2), inputs, design_of(inputs), 1.0)
        >>> [block.rows for block in passes.blocks]
        [slice(0, 6, None)]
    """

    def __init__(self, networks: Networks, memory: Tensor, inputs: Inputs, design: OneFeature, rate: float) -> None:
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate, values=BLOCK_VALUES))
        self._memory, self._design, self._q = memory, design, networks.activation.q
        self._columns = networks.weights.flatten(1)
        self._scale = self._columns.new_tensor(1 / networks.activation.threshold)
        self._pushes = torch.empty_like(memory[self.blocks[0].rows])
        self._group = _group(memory.shape[1])

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
        units, _ = _loops()
        parts: Tensor = units(self._terms(block).in_groups(self._group), self._q)
        sums: Tensor = parts.unflatten(0, (len(block.noise), -1)).sum(1)

        return sums

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, *, memorise: bool) -> None:
        """Add to the gradient, and to the memory, what a pull on the units ``(sample, column)`` of this block does."""
        pushes, noise = self._pushes[: len(pull)], block.noise if memorise else None
        _, push = _loops()
        push(self._terms(block), self._q, pull, noise, pushes)
        gradient.index_add_(0, self._design.feature[block.rows].flatten(), pushes.flatten(0, 1))

    def _terms(self, block: Block) -> "_Terms":
        design = self._design[block.rows]

        return _Terms(self._memory[block.rows], design.feature, design.strength, self._columns, self._scale)


class _Terms(NamedTuple):
    """What pre-activations are computed from.

    Attributes:
        memory: ``(sample, patch, column)``.
        feature: ``(sample, patch)``.
        strength: ``(sample, patch, 1)``.
        columns: The weights, ``(dim, column)``.
        scale: 1 / threshold.
    """

    memory: Tensor
    feature: Tensor
    strength: Tensor
    columns: Tensor
    scale: Tensor

    def ratio(self) -> Tensor:
        """Return pre-activations / threshold, ``(sample, patch, column)``; inside a loop they are never stored."""
        return self.scale * (self.memory + self.strength * self.columns[self.feature])

    def in_groups(self, size: int) -> "_Terms":
        """Return the terms with patches cut into groups, each as if it were a sample of its own."""
        own = (self.memory, self.feature, self.strength)
        memory, feature, strength = (part.unflatten(1, (-1, size)).flatten(0, 1) for part in own)

        return self._replace(memory=memory, feature=feature, strength=strength)


def _group(patches: int) -> int:
    """Return how many patches the first loop sums at once: the most that divide them, where any do.

    It reads the patches of a group side by side. At 120 a value took 1.9 ns, in groups of 20 it took 0.9.
    """
    largest = max(size for size in range(1, SIDE_BY_SIDE + 1) if patches % size == 0)

    return largest if largest > 2 else patches


def _units(terms: _Terms, q: int) -> Tensor:
    """Return the activations summed over patches, ``(sample, column)``."""
    ratio = terms.ratio()
    power = ratio.clamp(0, 1)

    return (_power(power, q) * (1 / q) + (ratio - power).relu()).sum(1)


def _pull(terms: _Terms, q: int, pull: Tensor, noise: Tensor | None, pushes: Tensor) -> None:
    """Overwrite the pushes on patches ``(sample, patch, column)``; with noise, move the memory."""
    slope = _power(terms.ratio().clamp(0, 1), q - 1) * pull.unsqueeze(1)
    pushes.copy_(slope * terms.strength)
    if noise is not None:
        terms.memory.add_(slope * noise)


def _power(base: Tensor, exponent: int) -> Tensor:
    """Return the power by multiplication: a loop over ``exponent`` makes it a constant of the loop in C++."""
    power = base
    for _ in range(exponent - 1):
        power = power * base

    return power


@cache
def _loops() -> tuple[Callable[..., Tensor], Callable[..., None]]:
    """Return both loops; the compiler behind them takes seconds to load, so only whoever compiles loads it."""
    # Shapes are variables of the loops: blocks, and runs that leave, need no further compilation.
    return (
        torch.compile(_units, dynamic=True, options=_OPTIONS),
        torch.compile(_pull, dynamic=True, options=_OPTIONS),
    )


@cache
def _works() -> bool:
    """Return whether compiling works, tried on numbers without meaning; where it does not, say so once."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        _LOGGER.warning("training is not compiled, which takes longer: no C++ compiler %s was found", compiler)
        return False

    try:
        with warnings.catch_warnings(action="ignore"):  # PyTorch loads parts of its own that it calls deprecated
            _try_out(*_loops())
    except (RuntimeError, OSError, ImportError) as error:  # of a compiler, its headers, or this version of PyTorch
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        _LOGGER.warning("training is not compiled, which takes longer: %s", reason)
        return False

    return True


def _try_out(units: Callable[..., Tensor], pull: Callable[..., None]) -> None:
    """Run both loops on a block of usual size: for less they would be made for one thread."""
    memory, one = torch.zeros(30, 17, 1184), torch.zeros(30, 17, 1)
    terms = _Terms(memory, one[..., 0].long(), one, torch.zeros(23, 1184), torch.tensor(1.0))
    units(terms, 3)
    pull(terms, 3, memory[:, 0].clone(), one.clone(), torch.zeros_like(memory))
