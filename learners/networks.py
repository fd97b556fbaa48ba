r"""The patch network of Definition 3.4, many runs side by side: every run has its own seed and shares the data.

Axes: s = run, i = class, r = neuron, n = sample, p = patch, d = dim.

Weights live in the span of the shared directions (``design``) and of the private noise vectors. The first part is
stored as ``weights``; the second as ``memory``, the inner products :math:`\langle w_{i,r}, \xi_{n,p} \rangle` with the
noise of the training set. A test sample's noise is orthogonal to every training patch, so its inner products stay as
they were at initialisation; they are drawn when asked for.

Networks of another kind (`probes.learners.linear`) train part of this one alone. The rest, what initialisation left, is
drawn again from the seeds when asked for, and kept nowhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from probes.learners.activations import SmoothedReLU
from probes.learners.draws import normal
from probes.learners.linear import Tangent, head_of, shared
from probes.learners.samples import Inputs
from probes.learners.streams import Purpose

__all__ = ["KINDS", "Kind", "Networks", "blocks", "initialise"]

# Values of one block of the noise state: its work buffers stay in the cache from one operation to the next. Measured at
# ten runs of the theory recipe's size: 2.8 times faster than the whole state at once.
BLOCK_VALUES = 600_000
# Samples that share one seed of test noise; part of what a seed means, so it never changes.
NOISE_CHUNK = 500

Seed = int | Sequence[int]
Kind = Literal["patch", "tangent", "random_features"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Networks:
    r"""Patch networks :math:`F_i(X) = \frac{c}{K} \sum_r \sum_p \widetilde{ReLU}(\langle w_{i,r}, x_p \rangle)`.

    Attributes:
        weights: ``(dim, run, class, neuron)``; dim comes first so that one matrix product serves all runs.
        memory: Inner products with the training set's private noise, ``(sample, patch, run, class, neuron)``; None
            where inputs have no private noise, and for random features, which do not move along it.
        activation: The smoothed ReLU.
        seeds: Each run's seeds of initialisation, one a member. A run has one member; or K where the average of K
            networks is trained jointly: their neurons stand one after the other.
        init_scale: :math:`\sigma_0`, standard deviation of the initial weights.
        scale: The factor c; 1 for a single network.
        kind: What is trained of the network: all, its tangent, or a head on random features.

    Example:
        >>> inputs = Inputs(torch.eye(4).expand(2, 4, 4), torch.zeros(2, 4), torch.tensor([0, 1]))
        >>> networks = initialise(inputs, SmoothedReLU(q=3), classes=2, neurons=3, init_scale=0.1, seeds=[0, 1])
        >>> networks.outputs(inputs).shape
        torch.Size([2, 2, 2])
    """

    weights: Tensor
    memory: Tensor | None
    activation: SmoothedReLU
    seeds: tuple[tuple[int, ...], ...]
    init_scale: float
    scale: float = 1.0
    kind: Kind = "patch"

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.weights.shape[1]

    @property
    def members(self) -> int:
        """Networks averaged inside each run, K; 1 for single networks."""
        return len(self.seeds[0])

    @property
    def by_neuron(self) -> Tensor:
        """A view of the weights as ``(run, class, neuron, dim)``."""
        return self.weights.permute(1, 2, 3, 0)

    def select(self, runs: Sequence[int]) -> "Networks":
        """Return a copy with these runs only, in this order.

        Args:
            runs: Indices along the run axis; an index may come twice.
        """
        index = torch.tensor(list(runs), dtype=torch.int64, device=self.weights.device)
        memory = None if self.memory is None else self.memory.index_select(2, index)

        return replace(
            self,
            weights=self.weights.index_select(1, index),
            memory=memory,
            seeds=tuple(self.seeds[run] for run in runs),
        )

    def noise(self, inputs: Inputs, purpose: Purpose, *numbers: int) -> Tensor:
        r"""Return inner products with private noise as initialisation leaves them, float as the weights.

        Noise never trained on is orthogonal to all that moved the weights, so :math:`\langle w, \xi \rangle \sim N(0,
        \sigma_0^2\|\xi\|^2)` keeps its first value. Axes: ``(sample, patch, run, class, neuron)``.

        Args:
            inputs: The inputs that hold the noise.
            purpose: "training noise" or "test noise".
            numbers: What tells two sets of samples apart, so that they share no noise.
        """
        shape = (*inputs.noise.shape, *self._first_layer)
        norms = inputs.noise.to(self.weights)[:, :, None, None, None]

        return normal(shape, self.seeds, purpose, *numbers).to(self.weights).mul_(norms * self.init_scale)

    def first_layer(self) -> Tensor:
        """Return the weights of the first layer as initialisation left them, ``(dim, run, class, neuron)``."""
        shape = (len(self.weights), *self._first_layer)

        return (self.init_scale * normal(shape, self.seeds, "weights")).to(self.weights)

    @property
    def _first_layer(self) -> tuple[int, int]:
        """Classes, and neurons of one class and member, in the first layer."""
        _, _, classes, neurons = self.weights.shape

        return classes, neurons // self.members // (classes if self.kind == "random_features" else 1)

    def test_noise(self, inputs: Inputs, *, chunk: int) -> Tensor:
        """Return inner products with the private noise of test inputs, ``(sample, patch, run, class, neuron)``.

        Args:
            inputs: Test inputs.
            chunk: Number of the chunk of test samples, so that two of them do not share noise.
        """
        return self.noise(inputs, "test noise", chunk)

    def outputs(self, inputs: Inputs, memory: Tensor | None = None) -> Tensor:
        """Return the outputs F, ``(run, sample, class)``.

        Args:
            inputs: What the networks see; its dim is that of the weights.
            memory: Inner products with the inputs' private noise, as `memory` or `noise` give them; None for inputs
                without it. Networks of another kind than "patch" take them for those at initialisation.

        Raises:
            ValueError: If the inputs have another dim than the weights.
        """
        return self._outputs(self._units(inputs, memory, memory))

    def training_outputs(self, inputs: Inputs) -> Tensor:
        """Return the outputs on the training set, ``(run, sample, class)``.

        Args:
            inputs: The inputs that the networks were initialised for.

        Raises:
            ValueError: If the inputs have another dim than the weights.
        """
        if self.kind == "patch":
            return self.outputs(inputs, self.memory)
        start = self.noise(inputs, "training noise") if inputs.has_noise else None

        return self._outputs(self._units(inputs, start if self.memory is None else self.memory, start))

    def _outputs(self, units: Iterator[Tensor]) -> Tensor:
        return torch.cat([part.sum(-1) * (self.scale / self.members) for part in units]).transpose(0, 1)

    def contributions(self, inputs: Inputs, memory: Tensor | None = None) -> Tensor:
        """Return what every neuron adds to the outputs, ``(run, sample, class, neuron)``; its sum is `outputs`.

        Args:
            inputs: What the networks see; its dim is that of the weights.
            memory: Inner products with the inputs' private noise, as `memory` or `noise` give them; None for inputs
                without it.

        Raises:
            ValueError: If the inputs have another dim than the weights.
        """
        pieces = [units * (self.scale / self.members) for units in self._units(inputs, memory, memory)]

        return torch.cat(pieces).transpose(0, 1)

    def _units(self, inputs: Inputs, memory: Tensor | None, start: Tensor | None) -> Iterator[Tensor]:
        """Yield what neurons add, ``(sample, run, class, neuron)``, block by block; ``start``: memory as it began."""
        if inputs.design.shape[-1] != len(self.weights):
            raise ValueError(
                f"Shape mismatch: expected inputs of dim {len(self.weights)}, got {inputs.design.shape[-1]}."
            )

        first = self.weights if self.kind == "patch" else self.first_layer()
        for rows in blocks(inputs, self.weights[0].numel()):
            began = _preactivations(inputs.design[rows], first, None if start is None else start[rows])
            if self.kind == "random_features":
                features = self.activation(began).sum(1).view(-1, *first.shape[1:])
                yield shared(features, self.members) * head_of(self.weights, shared(first, self.members))
            elif self.kind == "tangent":
                now = _preactivations(inputs.design[rows], self.weights, None if memory is None else memory[rows])
                yield Tangent.at(began, self.activation)(now).view(-1, *self.weights.shape[1:])
            else:
                yield self.activation(began).sum(1).view(-1, *self.weights.shape[1:])

    def test_outputs(self, inputs: Inputs, *, first_chunk: int = 0) -> Tensor:
        """Return the outputs on test inputs, whose private noise is drawn chunk by chunk, ``(run, sample, class)``.

        Args:
            inputs: Test inputs.
            first_chunk: Number of the first chunk of noise (`NOISE_CHUNK` samples each).
        """
        return torch.cat([self.outputs(*part) for part in self._with_noise(inputs, first_chunk)], 1)

    def test_contributions(self, inputs: Inputs, *, first_chunk: int = 0) -> Tensor:
        """Return what every neuron adds on test inputs, ``(run, sample, class, neuron)``, as `test_outputs` draws them.

        Args:
            inputs: Test inputs.
            first_chunk: Number of the first chunk of noise (`NOISE_CHUNK` samples each).
        """
        return torch.cat([self.contributions(*part) for part in self._with_noise(inputs, first_chunk)], 1)

    def _with_noise(self, inputs: Inputs, first_chunk: int) -> Iterator[tuple[Inputs, Tensor | None]]:
        """Yield test inputs chunk by chunk, each with its noise."""
        for chunk, start in enumerate(range(0, inputs.samples, NOISE_CHUNK), first_chunk):
            part = inputs[start : start + NOISE_CHUNK]
            yield part, self.test_noise(part, chunk=chunk) if inputs.has_noise else None


def initialise(
    inputs: Inputs,
    activation: SmoothedReLU,
    *,
    classes: int,
    neurons: int,
    init_scale: float,
    seeds: Sequence[Seed],
    kind: Kind = "patch",
) -> Networks:
    r"""Return networks at initialisation, :math:`w_{i,r} \sim N(0, \sigma_0^2 I)`, one run per seed.

    A run's numbers depend on its own seed alone, not on the runs beside it. Networks of all kinds have the same first
    layer; a head on random features starts at 0.

    Args:
        inputs: The training inputs: they fix dim, and the private noise that the networks can memorise.
        activation: The smoothed ReLU.
        classes: k.
        neurons: m, neurons per class (and member).
        init_scale: :math:`\sigma_0`.
        seeds: One seed a run; or, to train the average of K networks jointly, K seeds a run.
        kind: What is to be trained of the networks.

    Raises:
        ValueError: If the runs have different numbers of members.

    Example:
        >>> inputs = Inputs(torch.eye(4).expand(2, 4, 4), torch.zeros(2, 4), torch.tensor([0, 1]))
        >>> initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[(0, 1)]).weights.shape
        torch.Size([4, 1, 2, 6])
    """
    groups = tuple((seed,) if isinstance(seed, int) else tuple(seed) for seed in seeds)
    if len({len(group) for group in groups}) != 1:
        raise ValueError(f"expected as many members in every run, got {[len(group) for group in groups]}")

    shape = (inputs.design.shape[-1], classes, neurons)
    weights = init_scale * normal(shape, groups, "weights")
    networks = Networks(weights.to(inputs.design), None, activation, groups, init_scale, kind=kind)
    if kind == "random_features":
        runs, members = len(groups), len(groups[0])
        return replace(networks, weights=inputs.design.new_zeros(shape[0], runs, classes, members * classes * neurons))
    if not inputs.has_noise:
        return networks

    return replace(networks, memory=networks.noise(inputs, "training noise"))


def blocks(inputs: Inputs, columns: int, *, values: int = BLOCK_VALUES) -> Iterator[slice]:
    """Yield slices of samples whose pre-activations fit a core's cache together.

    Args:
        inputs: The inputs that are cut.
        columns: Values per patch: run x class x neuron.
        values: Pre-activations of one block.

    Example:
        >>> inputs = Inputs(torch.zeros(100, 10, 4), torch.zeros(100, 10), torch.zeros(100))
        >>> list(blocks(inputs, 1200))
        [slice(0, 50, None), slice(50, 100, None)]
    """
    step = max(1, values // (inputs.design.shape[1] * columns))
    for start in range(0, inputs.samples, step):
        yield slice(start, min(start + step, inputs.samples))


def _preactivations(design: Tensor, weights: Tensor, memory: Tensor | None) -> Tensor:
    """Return inner products of patches and weights, ``(sample, patch, column)``."""
    products = design @ weights.flatten(1)

    return products if memory is None else products.add_(memory.flatten(2))
