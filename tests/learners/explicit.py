"""The model of Definition 3.4 written out plainly, with every patch in full dimension: the slow second way."""

import torch
from torch import nn

from probes.learners.samples import Inputs


def explicit_patches(inputs: Inputs) -> torch.Tensor:
    """Patches ``(sample, patch, dim)`` in d = dim + N P: each private noise vector gets an axis of its own."""
    samples, patches, _ = inputs.design.shape
    noise = torch.diag(inputs.noise.flatten()).view(samples, patches, samples * patches)

    return torch.cat([inputs.design, noise.to(inputs.design)], -1)


def explicit_weights(networks, inputs: Inputs) -> torch.Tensor:
    """Weights ``(run, class, neuron, d)`` whose inner products are those the networks hold."""
    norms = inputs.noise.flatten()
    memory = networks.memory.flatten(0, 1).permute(1, 2, 3, 0) / norms

    return torch.cat([networks.by_neuron, memory], -1)


class PlainNetwork(nn.Module):
    """One network, differentiated by autograd: scale * sum over neurons and patches of the smoothed ReLU."""

    def __init__(self, weight: torch.Tensor, q: int, threshold: float, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.q, self.threshold, self.scale = q, threshold, scale

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        z = torch.einsum("npd,ird->npir", patches, self.weight)
        power = z.clamp(min=0).pow(self.q) / (self.q * self.threshold ** (self.q - 1))
        value = torch.where(z >= self.threshold, z - (1 - 1 / self.q) * self.threshold, power)
        return self.scale * value.sum((1, 3))
