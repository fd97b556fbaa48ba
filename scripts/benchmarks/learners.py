"""Training speed: the step against its floor, and ten runs together against plain PyTorch, one seed after the other.

The floor of a private-noise step is one read and one write of the noise state, measured by a copy of the same tensor.
The plain version is what one would write first: an nn.Module whose noise products are a parameter like the weights,
differentiated by autograd.
"""

import torch
from torch import Tensor, nn

from probes.learners.networks import Networks
from probes.learners.objectives import CrossEntropy
from probes.learners.recipe_files import built_in
from probes.learners.recipes import Recipe
from probes.learners.samples import Inputs
from probes.learners.training import train
from probes.studies.material import Material
from scripts.benchmarks.turns import interleaved

STEPS, RUNS = 20, 10


class PlainNetwork(nn.Module):
    """One run's network, its weights and its products with the training noise as parameters."""

    def __init__(self, networks: Networks, run: int, noise: Tensor) -> None:
        super().__init__()
        if networks.memory is None:
            raise ValueError("expected a recipe with private noise")
        self.weight = nn.Parameter(networks.by_neuron[run].clone())
        self.direction = nn.Parameter(networks.memory[:, :, run] / noise[:, :, None, None])
        self.noise = noise[:, :, None, None]
        self.activation = networks.activation

    def forward(self, design: Tensor) -> Tensor:
        """Return the outputs, ``(sample, class)``."""
        products = torch.einsum("npd,ird->npir", design, self.weight) + self.noise * self.direction
        return self.activation(products).sum((1, 3))


def measure(recipe: Recipe | None = None) -> list[dict[str, object]]:
    """Return the ratios, medians over rounds in which the contestants take turns."""
    recipe = recipe or built_in("theory")
    material = Material(recipe)
    inputs = material.training_inputs
    networks = material.initialise([(seed,) for seed in range(RUNS)])
    rate = recipe.training.learning_rate

    def together() -> None:
        train(networks, inputs, CrossEntropy(), steps=STEPS, learning_rate=rate)

    def plainly() -> None:
        for run in range(RUNS):
            _train_plainly(PlainNetwork(networks, run, inputs.noise), inputs, rate)

    def copied() -> None:
        for _ in range(STEPS):
            target.copy_(source)

    source = networks.memory if networks.memory is not None else inputs.design
    target = torch.empty_like(source)
    seconds = interleaved([together, plainly, copied])

    return [
        {
            "name": "10 runs together over plain nn.Module + autograd, one after the other (speed)",
            "ratio": seconds[1] / seconds[0],
            "target": ">= 5",
            "note": f"recipe {recipe.name}, {STEPS} steps a round",
        },
        {
            "name": "training step over one read and one write of its noise state (time)",
            "ratio": seconds[0] / seconds[2],
            "target": "",
            "note": f"{source.numel():,} values",
        },
    ]


def _train_plainly(network: PlainNetwork, inputs: Inputs, learning_rate: float) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs.design), inputs.labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
