"""Training speed: the step against its floor, and ten runs together against what one would write first.

The floor of a private-noise step is one read and one write of the noise state, measured by a copy of the same tensor;
that of a step in finite dimension is its two matrix products. The plain version is an nn.Module whose noise products
are a parameter like the weights, differentiated by autograd; `torch.func` trains the same module as an ensemble.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from probes.learners.activations import SmoothedReLU
from probes.learners.networks import Networks, initialise
from probes.learners.objectives import CrossEntropy
from probes.learners.recipes import Recipe
from probes.learners.samples import Inputs
from probes.learners.training import train
from probes.studies.recipe_files import built_in, override
from probes.studies.theory.material import Material
from scripts.benchmarks.turns import interleaved

STEPS, RIVAL_STEPS, RUNS = 20, 5, 10
GAUSSIAN = {"noise.form": "gaussian", "noise.dim": "240"}  # ten times the features of the theory recipe
FEATURE_NOISE = {"data.feature_noise": "0.001"}

Sizes = dict[str, int]

# What costs are shown to be linear in. Ten times one of them is 19 million values of noise state.
SIZES: Sizes = {"N": 200, "P": 12, "k": 10, "m": 10, "K": 8}


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


Contestant = tuple[Callable[[], object], int]  # what is timed, and how many steps it makes


def measure(recipe: Recipe | None = None, sizes: Sizes = SIZES) -> list[dict[str, object]]:
    """Return the ratios, medians over rounds in which the contestants take turns."""
    recipe = recipe or built_in("theory")

    return [
        *_private(recipe),
        *_products(recipe, GAUSSIAN, "in finite dimension", "<= 8"),
        *_products(recipe, FEATURE_NOISE, "with private and feature noise", ""),
        *(_linear(sizes, name) for name in sizes),
    ]


def _private(recipe: Recipe) -> list[dict[str, object]]:
    """Return the step against its floor and its rivals, in the private form."""
    material = Material(recipe)
    inputs, networks = material.training_inputs, material.initialise([(seed,) for seed in range(RUNS)])
    rate = recipe.training.learning_rate
    rivals = [PlainNetwork(networks, run, inputs.noise) for run in range(RUNS)]
    source = inputs.design if networks.memory is None else networks.memory
    target = torch.empty_like(source)
    step, eager, copy, plain, ensemble = _seconds_per_step(
        (lambda: _train(networks, inputs, rate, compiled=True), STEPS),
        (lambda: _train(networks, inputs, rate, compiled=False), STEPS),
        (lambda: [target.copy_(source) for _ in range(STEPS)], STEPS),
        (lambda: [train_plainly(rival, inputs, rate) for rival in rivals], RIVAL_STEPS),
        (lambda: train_ensemble(rivals, inputs, rate), RIVAL_STEPS),
    )
    note = f"recipe {recipe.name}, {source.numel():,} values, threads: {torch.get_num_threads()}"
    against = "of a private-noise step over one read and one write of its noise state (time)"

    return [
        _row(
            f"{RUNS} runs together over plain nn.Module + autograd, one after the other (speed)",
            plain / step,
            ">= 10",
            note,
        ),
        _row(f"{RUNS} runs together over a torch.func vmap ensemble (speed)", ensemble / step, ">= 3", note),
        _row(f"compiled form {against}", step / copy, "<= 8", note),
        _row(f"eager form {against}", eager / copy, "", note),
    ]


def _products(recipe: Recipe, changes: Mapping[str, str], name: str, target: str) -> list[dict[str, object]]:
    """Return both forms of a step against its two matrix products."""
    material = Material(override(recipe, changes))
    inputs, networks = material.training_inputs, material.initialise([(seed,) for seed in range(RUNS)])
    patches, columns = inputs.design.flatten(0, 1), networks.weights.flatten(1)
    units, gradient = patches @ columns, torch.empty_like(columns)

    def products() -> None:
        for _ in range(STEPS):
            torch.mm(patches, columns, out=units)
            torch.mm(patches.T, units, out=gradient)

    rate = recipe.training.learning_rate
    compiled, eager, floor = _seconds_per_step(
        (lambda: _train(networks, inputs, rate, compiled=True), STEPS),
        (lambda: _train(networks, inputs, rate, compiled=False), STEPS),
        (products, STEPS),
    )
    note = f"recipe {recipe.name}, {', '.join(f'{key} = {value}' for key, value in changes.items())}"

    return [
        _row(f"{form} form of a step {name} over its two matrix products (time)", step / floor, target, note)
        for form, step in (("compiled", compiled), ("eager", eager))
    ]


def _linear(sizes: Sizes, name: str) -> dict[str, object]:
    """Return the time per value of noise state at ten times one of the sizes over that at the sizes given."""
    larger = {**sizes, name: 10 * sizes[name]}
    (inputs, networks), (more_inputs, more_networks) = (_of_size(**each) for each in (sizes, larger))
    small, large = _seconds_per_step(
        (lambda: _train(networks, inputs, 1.0, compiled=True), STEPS),
        (lambda: _train(more_networks, more_inputs, 1.0, compiled=True), STEPS),
    )
    note = ", ".join(f"{key} = {value}" for key, value in sizes.items())

    return _row(f"time per value at ten times {name}", large / small / 10, "about 1", note)


def _of_size(N: int, P: int, k: int, m: int, K: int) -> tuple[Inputs, Networks]:
    """Return inputs whose patches hold one feature each, and K networks side by side."""
    draws = torch.Generator().manual_seed(0)
    feature = torch.randint(2 * k, (N, P, 1), generator=draws)
    design = torch.zeros(N, P, 2 * k).scatter_(-1, feature, 1.0)
    inputs = Inputs(design, torch.ones(N, P), torch.arange(N) % k)

    return inputs, initialise(inputs, SmoothedReLU(), classes=k, neurons=m, init_scale=0.01, seeds=range(K))


def _train(networks: Networks, inputs: Inputs, rate: float, *, compiled: bool | None = None) -> None:
    train(networks, inputs, CrossEntropy(), steps=STEPS, learning_rate=rate, compiled=compiled)


def train_plainly(network: PlainNetwork, inputs: Inputs, rate: float) -> None:
    """Train one network by autograd."""
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    for _ in range(RIVAL_STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs.design), inputs.labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def train_ensemble(networks: list[PlainNetwork], inputs: Inputs, rate: float) -> dict[str, Tensor]:
    """Return all networks' parameters, run first, after steps of one vectorised gradient each."""
    stacked, _ = stack_module_state(networks)  # type: ignore[arg-type]
    parameters: dict[str, Tensor] = {name: values.detach() for name, values in stacked.items()}

    def loss(own: dict[str, Tensor], design: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(networks[0], own, (design,)), labels)

    gradients = vmap(grad(loss), in_dims=(0, None, None))
    for _ in range(RIVAL_STEPS):
        for name, gradient in gradients(parameters, inputs.design, inputs.labels).items():
            parameters[name].sub_(gradient, alpha=rate)

    return parameters


def _seconds_per_step(*contestants: Contestant) -> list[float]:
    seconds = interleaved([lambda run=run: run() for run, _ in contestants])  # type: ignore[misc]

    return [total / steps for total, (_, steps) in zip(seconds, contestants, strict=True)]


def _row(name: str, ratio: float, target: str, note: str) -> dict[str, object]:
    return {"name": name, "ratio": ratio, "target": target, "note": note}
