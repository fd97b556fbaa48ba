r"""How gradients move the weights, by the names of `torch.optim`: gradient descent, batches, momentum and Adam.

An update rule that treats every coordinate by itself needs a basis. Weights have that of ``design``; where noise is
private, each patch's noise adds a direction of its own, :math:`\xi/\|\xi\|`, along which the weights' coordinate is
memory / :math:`\|\xi\|`. Gradient descent and momentum give the same network in every basis. Adam does not: with
private noise it is Adam along features and noise directions themselves, with gaussian inputs in coordinates that have
nothing to do with the features, as a network in practice has them.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, d = dim.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from probes.learners.networks import Networks
from probes.learners.streams import stream

__all__ = ["Moments", "Optimizer", "Rule", "batch_of", "moments_of"]

Rule = Literal["sgd", "adam"]
Moments = Mapping[str, Tensor]


@dataclass(frozen=True)
class Optimizer:
    """An update rule and how many samples each update sees; as it stands, full-batch gradient descent.

    Args:
        name: "sgd" or "adam", as `torch.optim.SGD` and `torch.optim.Adam` without weight decay.
        batch_size: Samples of one update; 0 for all of them.
        momentum: Of "sgd": heavy ball, without dampening.
        betas: Of "adam": decay of the means of gradients and of their squares.
        eps: Of "adam": added to the root of the mean square.

    Raises:
        ValueError: If a value is impossible; the text says which and why.

    Example:
        >>> Optimizer("adam").slots, Optimizer(momentum=0.9).slots, Optimizer(batch_size=24).slots
        (('exp_avg', 'exp_avg_sq'), ('momentum_buffer',), ())
    """

    name: Rule = "sgd"
    batch_size: int = 0
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        rules = [
            (self.name in ("sgd", "adam"), f'expected `optimizer` "sgd" or "adam", got {self.name!r}'),
            (self.batch_size >= 0, f"expected `batch_size` >= 0 (0: all samples), got {self.batch_size}"),
            (0 <= self.momentum < 1, f"expected `momentum` in [0, 1), got {self.momentum}"),
            (
                self.name != "adam" or self.momentum == 0,
                f"expected `momentum` 0 for adam, whose first of `betas` is its momentum, got {self.momentum}",
            ),
            (all(0 <= beta < 1 for beta in self.betas), f"expected `betas` in [0, 1), got {list(self.betas)}"),
            (self.eps > 0, f"expected `eps` > 0, got {self.eps}"),
        ]
        for holds, reason in rules:
            if not holds:
                raise ValueError(reason)

    @property
    def slots(self) -> tuple[str, ...]:
        """What is remembered of every coordinate between updates, by the names of `torch.optim`; often nothing."""
        if self.name == "adam":
            return ("exp_avg", "exp_avg_sq")
        return ("momentum_buffer",) if self.momentum else ()

    def epochs(self, steps: int, samples: int) -> int:
        """Return how many passes over a training set so many steps amount to, rounded up.

        Example:
            >>> Optimizer(batch_size=24).epochs(100, 240), Optimizer().epochs(100, 240)
            (10, 100)
        """
        return -(-steps * min(self.batch_size or samples, samples) // samples)

    def update(self, gradient: Tensor, slots: Sequence[Tensor], count: int) -> Tensor:
        """Return the update of one or more coordinates, to be multiplied by the learning rate; the slots move.

        Args:
            gradient: Uphill, of any shape.
            slots: What is remembered of these coordinates, in the order of `slots`.
            count: Number of this update, from 1 on.

        Example:
            >>> Optimizer("adam").update(torch.tensor([0.5]), [torch.zeros(1), torch.zeros(1)], 1)
            tensor([1.0000])
        """
        if not slots:
            return gradient
        if self.name == "sgd":
            return slots[0].mul_(self.momentum).add_(gradient)

        (mean, square), (fast, slow) = slots, self.betas
        mean.lerp_(gradient, 1 - fast)
        square.mul_(slow).addcmul_(gradient, gradient, value=1 - slow)
        spread = square.sqrt().div_(math.sqrt(1 - slow**count)).add_(self.eps)

        return torch.div(mean, spread, out=spread).div_(1 - fast**count)


def moments_of(optimizer: Optimizer, networks: Networks) -> dict[str, Tensor]:
    """Return what an optimizer remembers before its first update: zeros, each in the shape of what it belongs to.

    Args:
        optimizer: The optimizer.
        networks: The networks at their start.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> networks = Networks(torch.ones(4, 1, 2, 3), None, SmoothedReLU(), ((0,),), 0.1)
        >>> {name: value.shape for name, value in moments_of(Optimizer(momentum=0.9), networks).items()}
        {'weights.momentum_buffer': torch.Size([4, 1, 2, 3])}
    """
    parts = {"weights": networks.weights, "memory": networks.memory}

    return {
        f"{part}.{slot}": torch.zeros_like(values)
        for part, values in parts.items()
        if values is not None
        for slot in optimizer.slots
    }


def batch_of(seeds: Sequence[int], step: int, *, samples: int, size: int) -> Tensor:
    """Return the samples that a run sees between two steps, ``(sample,)``, int64.

    Every epoch goes through all of them in an order of its own; what is left over makes a smaller batch at its end, as
    a `DataLoader` does. The order is drawn from the run's seeds and the number of the epoch alone: no two runs share
    one, and nothing need be kept to go on with training.

    Args:
        seeds: The run's seeds.
        step: Number of completed updates.
        samples: Size of the training set.
        size: Samples of a batch.

    Example:
        >>> [batch_of([0], step, samples=5, size=2).numel() for step in range(4)]
        [2, 2, 1, 2]
        >>> torch.cat([batch_of([0], step, samples=5, size=2) for step in range(3)]).sort().values.tolist()
        [0, 1, 2, 3, 4]
    """
    epoch, place = divmod(step, -(-samples // size))
    order = torch.randperm(samples, generator=stream("order", *seeds, epoch))

    return order[place * size : (place + 1) * size]
