r"""The two passes of a training step as a compiler translates them for this machine, in one of two forms.

Private noise with patches of one feature each, as in most recipes, has two loops in C++ of our own; the rest has what
`torch.compile` fuses between its matrix products (`probes.learners.fused`). It can make the loops as well, but those
took twice the time: it writes the push on every patch, to be read again.

The numbers are those of the plain operations up to float32 rounding. Which form trains is settled before the first
step, by the size of a single run, the number of all its steps and the environment alone: so a run is trained alike
beside any others, and a study is gone on with as it was begun. The environment variable ``PROBES_COMPILE`` says
``auto`` (compile what is large), ``0`` (never) or ``1`` (always).

Axes: n = sample, p = patch, d = dim, column = run x class x neuron.
"""

import ctypes
import os
from typing import TypeGuard

import torch
from torch import Tensor

from probes.learners.designs import Design, OneFeature, design_of
from probes.learners.fused import Fused, can_fuse
from probes.learners.linear_passes import FixedFeatures, FixedSlopes
from probes.learners.loops import Pull, Terms, loops_of
from probes.learners.networks import Networks
from probes.learners.passes import Block, Eager, Passes, Share, blocks_of
from probes.learners.samples import Inputs

__all__ = ["Compiled", "passes_of", "worth_compiling"]

# Pre-activations of one run x steps from which `auto` compiles. To compile took 0.4 s for the loops, and each value and
# step took 1.6 ns less afterwards: the first such run earns it back. It took 6 to 21 s for what is fused, which saved
# 1.0 ns with private noise and 1.7 ns in finite dimension: three such runs earn it back.
WORTH = {"loops": 500_000_000, "fused": 5_000_000_000}


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

    form = "loops" if _has_loops(design_of(inputs), networks) else "fused"
    return inputs.noise.numel() * networks.weights[0, 0].numel() * steps >= WORTH[form]


def passes_of(networks: Networks, inputs: Inputs, rate: float, *, compiled: bool) -> Passes:
    """Return the passes over a training set, compiled where that is asked for and can be done.

    Args:
        networks: The networks under training; their memory will move in place.
        inputs: The training set.
        rate: Learning rate per sample.
        compiled: Whether to compile, where a compiler is found; what is linear in what it trains never is.

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
    if compiled and _has_loops(design, networks):
        loops = loops_of(networks.activation.q)
        if loops is not None:
            return Compiled(loops, networks, inputs, design, rate)
    elif compiled and can_fuse(networks.weights.device):
        return Fused(networks, inputs, design, rate)

    return Eager(networks, inputs, design, rate)


def _has_loops(design: Design, networks: Networks) -> TypeGuard[OneFeature]:
    private = networks.memory is not None and networks.weights.dtype == torch.float32
    return private and isinstance(design, OneFeature)


class Compiled:
    """Both passes as loops in C++, for private noise and patches of one feature each, in float32.

    Args:
        loops: The loops for the activation's q.
        networks: The networks under training.
        inputs: The training set.
        design: Its patches.
        rate: Learning rate per sample.

    Raises:
        ValueError: If the networks have no noise state.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> inputs = Inputs(torch.eye(4).expand(6, 4, 4), torch.ones(6, 4), torch.zeros(6, dtype=torch.int64))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0])
        >>> passes = Compiled(loops_of(4), networks, inputs, design_of(inputs), 1.0)
        >>> [block.rows for block in passes.blocks]
        [slice(0, 6, None)]
    """

    def __init__(self, loops: ctypes.CDLL, networks: Networks, inputs: Inputs, design: OneFeature, rate: float) -> None:
        if networks.memory is None:
            raise ValueError("expected networks with a noise state, got none")

        # All samples at once: nothing that the loops keep is as large as the noise state.
        self.blocks = tuple(blocks_of(networks, inputs, design, rate=rate, values=networks.memory.numel()))
        self._loops, self._columns = loops, networks.weights.flatten(1)
        samples, patches = inputs.noise.shape
        dims, columns = self._columns.shape
        self._work = self._columns.new_empty(2, _parts(samples * patches, dims), dims, columns)
        strength, noise = (part.to(self._columns).contiguous() for part in (design.strength, self.blocks[0].noise))
        # The loops know addresses alone: what lies there is kept as long as they are.
        self._kept = (networks.memory.view(-1), design.feature.contiguous(), strength, noise, self._columns)
        addresses = (part.data_ptr() for part in self._kept)
        sizes = (self._columns.stride(0), samples, patches, columns, dims, self._work.shape[1], torch.get_num_threads())
        self._terms = ctypes.byref(Terms(*addresses, *sizes, 1 / networks.activation.threshold))

    def units(self, block: Block) -> Tensor:
        """Return activations summed over patches, in units of the threshold, ``(sample, column)``."""
        sums = self._columns.new_empty(len(block.noise), self._columns.shape[1])
        self._loops.units(self._terms, sums.data_ptr())

        return sums

    def pull(self, block: Block, pull: Tensor, gradient: Tensor, share: Share | None = None) -> None:
        """Add to the gradient, and to the memory, what a pull on the units ``(sample, column)`` of this block does."""
        shares = [Share(pull, gradient), *([] if share is None else [share])]
        pulls = [each.pull.to(self._columns).contiguous() for each in shares]
        told = [
            Pull(own.data_ptr(), work.data_ptr(), each.gradient.data_ptr(), each.gradient.stride(0))
            for own, work, each in zip(pulls, self._work, shares, strict=False)
        ]
        self._loops.pull(self._terms, (Pull * len(told))(*told), len(told))


def _parts(patches: int, dims: int) -> int:
    """Return for how many parts of the samples a gradient is kept: up to 16, so that threads have one each.

    It depends on nothing but the training set, and all of them together have a quarter of its rows at most, unless two
    have more.
    """
    return 2 * min(max(patches // (8 * dims), 1), 8)
