r"""Layered networks as plain PyTorch modules: linear, fully connected, convolutional and residual.

They label Gaussian inputs as random teachers, and learn from such labels as students (Figure 7 of Allen-Zhu & Li, full
version). The state of many networks of one shape is a dictionary of parameters with two leading axes, ``(run,
member)``; a network of several members is their average, :math:`F = \frac{1}{K} \sum_s F^{[s]}`.

Axes: s = run, member = network of a jointly trained average, n = sample, d = dim, i = class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from probes.learners.streams import stream

__all__ = [
    "FIRST",
    "KERNEL",
    "KINDS",
    "Convolutional",
    "Dense",
    "Kind",
    "Layered",
    "Residual",
    "Students",
    "initialise",
]

Kind = Literal["linear", "fully_connected", "convolutional", "residual"]
KINDS: tuple[Kind, ...] = ("linear", "fully_connected", "convolutional", "residual")

FIRST = "first.weight"  # of every kind, (neuron, dim), or (neuron, 1, KERNEL) of a convolution
KERNEL = 5  # inputs that a convolution's neuron sees


@dataclass(frozen=True)
class Layered:
    """The shape of a network: its kind, the neurons of a layer, and the number of layers below the last.

    Layers of a "residual" network are blocks of two; a "linear" one has no layer below the last.

    Raises:
        ValueError: If the kind is unknown, or there is no neuron or layer.

    Example:
        >>> Layered("convolutional", width=8).build(30, 10)(torch.zeros(3, 30)).shape
        torch.Size([3, 10])
    """

    kind: Kind = "fully_connected"
    width: int = 64
    depth: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"expected `network.kind` as one of {', '.join(KINDS)}, got {self.kind!r}")
        for name, value in (("width", self.width), ("depth", self.depth)):
            if value < 1:
                raise ValueError(f"expected `network.{name}` >= 1, got {value}")

    def build(self, dim: int, classes: int, *, device: str = "cpu") -> nn.Module:
        """Return a network ``(sample, dim)`` to ``(sample, class)``; on the device "meta" it has a shape alone.

        Args:
            dim: Length of an input.
            classes: Number of outputs.
            device: Where its parameters are.
        """
        with torch.device(device):
            if self.kind == "convolutional":
                return Convolutional(dim, self.width, self.depth, classes)
            if self.kind == "residual":
                return Residual(dim, self.width, self.depth, classes)
            return Dense([dim, *([self.width] * self.depth if self.kind == "fully_connected" else []), classes])


class Dense(nn.Module):
    """A fully connected network with ReLU between its layers; of two widths, a linear one.

    Args:
        widths: Length of an input, neurons of every layer, number of classes.

    Example:
        >>> [name for name, _ in Dense([30, 64, 10]).named_parameters()]
        ['first.weight', 'first.bias', 'others.0.weight', 'others.0.bias']
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Linear(widths[0], widths[1])
        self.others = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths[1:]))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        outputs: Tensor = self.first(inputs)
        for layer in self.others:
            outputs = layer(outputs.relu())
        return outputs


class Convolutional(nn.Module):
    """Convolutions along an input as a signal on a circle, ReLU after each, and a linear layer on all of them.

    Args:
        dim: Length of an input.
        channels: Neurons at every position.
        depth: Number of convolutions.
        classes: Number of classes.

    Example:
        >>> Convolutional(30, 8, 2, 10).first.weight.shape
        torch.Size([8, 1, 5])
    """

    def __init__(self, dim: int, channels: int, depth: int, classes: int) -> None:
        super().__init__()
        self.first = _convolution(1, channels)
        self.others = nn.ModuleList(_convolution(channels, channels) for _ in range(depth - 1))
        self.last = nn.Linear(channels * dim, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        signal: Tensor = self.first(inputs.unsqueeze(1)).relu()
        for layer in self.others:
            signal = layer(signal).relu()
        outputs: Tensor = self.last(signal.flatten(1))
        return outputs


class Residual(nn.Module):
    r"""A linear layer, blocks :math:`h \mathrel{+}= B\,ReLU(A h)`, and a linear layer on ReLU(h).

    Args:
        dim: Length of an input.
        width: Neurons of every layer.
        blocks: Number of blocks.
        classes: Number of classes.

    Example:
        >>> Residual(30, 64, 2, 10)(torch.zeros(3, 30)).shape
        torch.Size([3, 10])
    """

    def __init__(self, dim: int, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(dim, width)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.last = nn.Linear(width, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        hidden: Tensor = self.first(inputs)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            hidden = hidden + outer(inner(hidden).relu())
        outputs: Tensor = self.last(hidden.relu())
        return outputs


@dataclass(frozen=True)
class Students:
    """Networks of one shape, side by side.

    Attributes:
        module: Their shape; its own parameters are not used.
        parameters: Name to ``(run, member, ...)``.

    Example:
        >>> students = initialise(Layered(width=8), 30, 10, seeds=[(0,), (1,)])
        >>> students.outputs(torch.zeros(7, 30)).shape
        torch.Size([2, 7, 10])
    """

    module: nn.Module
    parameters: Mapping[str, Tensor]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return next(iter(self.parameters.values())).shape[0]

    @property
    def members(self) -> int:
        """Networks whose average a run is."""
        return next(iter(self.parameters.values())).shape[1]

    @property
    def first(self) -> Tensor:
        """Weights of the first layer, those of all members of a run one after the other, ``(run, neuron, dim)``."""
        return self.parameters[FIRST].flatten(1, 2).flatten(2)

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return the outputs of every run, ``(run, sample, class)``.

        Args:
            inputs: ``(sample, dim)``, the same for all, or ``(run, sample, dim)``.
        """
        stacked = {name: values.flatten(0, 1) for name, values in self.parameters.items()}
        each = inputs.expand(self.runs, *inputs.shape[-2:]).repeat_interleave(self.members, 0)
        outputs: Tensor = vmap(lambda own, seen: functional_call(self.module, own, seen))(stacked, each)
        means: Tensor = outputs.unflatten(0, (self.runs, self.members)).mean(1)

        return means


def initialise(shape: Layered, dim: int, classes: int, *, seeds: Sequence[Sequence[int]]) -> Students:
    r"""Return networks at their start, weights from N(0, 2/fan-in), biases 0.

    `He et al., 2015 <https://arxiv.org/abs/1502.01852>`_. A network's draw depends on its own seed alone.

    Args:
        shape: Their kind, width and depth.
        dim: Length of an input.
        classes: Number of outputs.
        seeds: One seed for each member of each run.

    Example:
        >>> one, both = (initialise(Layered(), 30, 10, seeds=seeds) for seeds in ([(4,)], [(3,), (4,)]))
        >>> torch.equal(one.first[0], both.first[1])
        True
    """
    module = shape.build(dim, classes, device="meta")
    drawn = [[_drawn(module, seed) for seed in members] for members in seeds]
    names = [name for name, _ in module.named_parameters()]

    return Students(
        module, {name: torch.stack([torch.stack([own[name] for own in run]) for run in drawn]) for name in names}
    )


def _drawn(module: nn.Module, seed: int) -> dict[str, Tensor]:
    draw = stream("weights", seed)

    return {name: _start(parameter, draw) for name, parameter in module.named_parameters()}


def _start(parameter: Tensor, draw: torch.Generator) -> Tensor:
    if parameter.dim() == 1:
        return torch.zeros(parameter.shape)
    spread: float = (2 / parameter[0].numel()) ** 0.5

    return spread * torch.randn(parameter.shape, generator=draw)


def _convolution(inputs: int, channels: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, channels, KERNEL, padding=KERNEL // 2, padding_mode="circular")
