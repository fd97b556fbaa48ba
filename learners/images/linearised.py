r"""Networks linearised at initialisation: ridge regression on gradient features, the contrast to feature learning.

.. math:: \Phi(x) = \nabla_w \langle d, F(x; w_0) \rangle, \qquad f(x) = k(x, X) (k(X, X) + \lambda I)^{-1} Y

with :math:`k(x, x') = \langle \Phi(x), \Phi(x') \rangle`, one kernel for all classes. Directions d over the classes are
those of the axes, and the kernel is the mean over classes of the neural tangent kernel; or random signs, an unbiased
estimate of it at a part of the price. Source: A. Jacot, F. Gabriel and C. Hongler, "Neural Tangent Kernel: Convergence
and Generalization in Neural Networks", NeurIPS 2018, https://arxiv.org/abs/1806.07572.

Prediction is linear in the targets: students are fitted to their teachers' predictions on the training set, an ensemble
is the mean of predictions, and the average of K networks trained jointly has the mean of their kernels.

Axes: s = run, n, m = sample, w = weight and direction, c = class.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from probes.learners.images.draws import generator
from probes.learners.images.stack import Stack

__all__ = ["Linearised", "gradient_features", "linearised"]

CHUNK = 250  # samples whose gradients are taken at once


@dataclass(frozen=True)
class Linearised:
    """Kernels of the linearised forms of several networks.

    Attributes:
        gram: Of the training samples with each other, ``(run, sample, sample)``, float64.
        cross: Of other samples with the training samples, ``(run, other, sample)``, float64.
        ridge: The penalty, in units of the mean of a Gram matrix's diagonal.

    Raises:
        ValueError: If ``ridge`` is not above 0.

    Example:
        >>> kernels = Linearised(torch.eye(2)[None].double(), torch.ones(1, 3, 2).double(), ridge=1.0)
        >>> kernels.fitted(torch.eye(2).double())[0].tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """

    gram: Tensor
    cross: Tensor
    ridge: float = 1e-3

    def __post_init__(self) -> None:
        if self.ridge <= 0:
            raise ValueError(f"expected `ridge` > 0, got {self.ridge}")

    def fitted(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs on the training samples and on the others, ``(run, sample, class)``.

        Args:
            targets: What is fitted on the training samples: the same for all runs, ``(sample, class)``, or each run's
                own, ``(run, sample, class)``.
        """
        scale = self.gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        penalty = self.ridge * scale * torch.eye(self.gram.shape[1], dtype=self.gram.dtype)
        own = targets.to(self.gram).expand(len(self.gram), *targets.shape[-2:])
        solution = torch.linalg.solve(self.gram + penalty, own)

        return self.gram @ solution, self.cross @ solution

    def averaged(self) -> "Linearised":
        """Return the linearised form of the runs' average, trained jointly: one run, with the mean of the kernels."""
        return replace(self, gram=self.gram.mean(0, keepdim=True), cross=self.cross.mean(0, keepdim=True))


def linearised(
    stack: Stack, inputs: Tensor, others: Tensor, *, ridge: float = 1e-3, directions: int = 1, seed: int = 0
) -> Linearised:
    """Return the kernels of networks linearised where they stand.

    Args:
        stack: The networks, at initialisation.
        inputs: Training inputs, ``(sample, channel, height, width)``.
        others: Inputs to predict, likewise.
        ridge: The penalty, in units of the mean of a Gram matrix's diagonal.
        directions: Random directions over the classes; 0 for the axes themselves, the exact mean over classes.
        seed: Seed of the directions; each run has its own.

    Example:
        >>> from probes.learners.images.networks import ImageNetwork
        >>> stack = Stack([ImageNetwork("mlp", widths=(8,)).build((1, 4, 4), 3, seed=seed) for seed in range(2)])
        >>> kernels = linearised(stack, torch.rand(6, 1, 4, 4), torch.rand(5, 1, 4, 4))
        >>> kernels.fitted(torch.eye(3).repeat(2, 1))[1].shape
        torch.Size([2, 5, 3])
    """
    grams, crosses = [], []
    for run in range(stack.runs):
        network = stack.module(run).eval()
        classes = network(inputs[:1]).shape[1]
        along = _directions(classes, directions, seed, run).to(inputs)
        known = gradient_features(network, inputs, along)
        grams.append((known @ known.T).double())
        parts = [gradient_features(network, part, along) @ known.T for part in others.split(CHUNK)]
        crosses.append(torch.cat(parts).double())

    return Linearised(torch.stack(grams), torch.stack(crosses), ridge)


def gradient_features(network: nn.Module, inputs: Tensor, directions: Tensor) -> Tensor:
    """Return the gradient of the logits along each direction by all weights, ``(sample, weight and direction)``.

    Args:
        network: Where it is linearised; in evaluation mode, so that samples do not depend on each other.
        inputs: ``(sample, channel, height, width)``.
        directions: Over the classes, ``(direction, class)``.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(2, 1))
        >>> gradient_features(network, torch.tensor([[[[3.0, 4.0]]]]), torch.eye(1))
        tensor([[3., 4., 1.]])
    """
    weights = {name: each.detach() for name, each in network.named_parameters()}

    def along(own: dict[str, Tensor], image: Tensor, direction: Tensor) -> Tensor:
        logits: Tensor = functional_call(network, own, (image[None],))
        return logits[0] @ direction

    every = vmap(vmap(grad(along), (None, None, 0)), (None, 0, None))
    chunks = []
    for part in inputs.split(CHUNK):
        gradients = every(weights, part, directions)
        chunks.append(torch.cat([each.flatten(2) for each in gradients.values()], 2).flatten(1))

    return torch.cat(chunks)


def _directions(classes: int, count: int, seed: int, run: int) -> Tensor:
    """Return directions over the classes whose products sum to the mean over classes, ``(direction, class)``."""
    if count == 0:
        return torch.eye(classes) / math.sqrt(classes)
    signs = 2.0 * torch.randint(2, (count, classes), generator=generator("projection", seed, run)) - 1

    return signs / math.sqrt(count * classes)
