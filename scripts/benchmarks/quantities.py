"""What one look of each quantity costs, in bare training steps of three networks."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count, pairwise

import click
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from probes.models.modules import named_parameters
from probes.quantities import (
    ProbeBatch,
    Quantity,
    State,
    active_share,
    alignment,
    balance,
    cartography,
    dormant_share,
    effective_rank,
    first_learned,
    forgetting_events,
    gradient_noise,
    gradient_outer_product,
    gradient_outer_product_correlation,
    kernel_alignment,
    linear_probe,
    neural_collapse,
    overlaps,
    sample_losses,
    sample_margins,
    sharpness,
    spectrum,
    stable_rank,
    tangent_kernel_alignment,
    update_size,
)
from scripts.benchmarks.turns import interleaved

CLASSES, TRAINED, LOOKED_AT, ROUNDS = 10, 64, 40, 3  # samples of a step and of a probe batch
STEPS = 8  # in a turn, so that it takes some milliseconds


class ResNet20(nn.Module):
    """The network of He et al. (2016) for images of 32 pixels: three stages of three blocks, 270,000 parameters."""

    def __init__(self) -> None:
        super().__init__()
        widths = [16, *(16, 16, 16), *(32, 32, 32), *(64, 64, 64)]
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.blocks = nn.Sequential(*(_Block(before, after) for before, after in pairwise(widths)))
        self.features = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(64, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(sample, class)`` of images ``(sample, 3, 32, 32)``."""
        logits: Tensor = self.head(self.features(self.blocks(self.first(images))))
        return logits


class _Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        stride = 1 if before == after else 2
        self.inner = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.around = nn.Identity() if stride == 1 else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = torch.relu(self.inner(images) + self.around(images))
        return out


class Transformer(nn.Module):
    """Two layers of four heads and 64 dims, over 16 of 50 tokens, and their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.features = nn.Identity()
        self.head = nn.Linear(64, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits ``(sample, class)`` of tokens ``(sample, place)``."""
        logits: Tensor = self.head(self.features(self.layers(self.embedding(tokens)).mean(1)))
        return logits


def _perceptron() -> nn.Module:
    layers = {"inner": nn.Linear(64, 100), "features": nn.ReLU(), "middle": nn.Linear(100, 100), "last": nn.ReLU()}
    return nn.Sequential(OrderedDict(layers, head=nn.Linear(100, CLASSES)))


# Network -> it, its inputs for so many samples, a weight, two layers in a row, a module of features, a Linear.
NETWORKS: Mapping[str, tuple[Callable[[], nn.Module], Callable[[int], Tensor], Sequence[str]]] = {
    "MLP": (_perceptron, lambda n: torch.randn(n, 64), ("inner.weight", "middle.weight", "features", "middle")),
    "ResNet-20": (
        ResNet20,
        lambda n: torch.randn(n, 3, 32, 32),
        ("blocks.8.inner.3.weight", "", "features", "head"),
    ),
    "transformer": (
        Transformer,
        lambda n: torch.randint(50, (n, 16)),
        ("layers.layers.0.linear1.weight", "layers.layers.0.linear2.weight", "features", "head"),
    ),
}


def measure() -> list[dict[str, object]]:
    """The cost of a look of each quantity, over that of a bare step."""
    return [row for name in NETWORKS for row in _rows(name)]


def quantities(name: str, batch: ProbeBatch) -> list[Quantity]:
    """Those that can be measured of a network."""
    weight, following, features, layer = NETWORKS[name][2]
    of_weights = [overlaps(weight), spectrum(weight), effective_rank(weight), stable_rank(weight)]
    of_weights += [alignment(weight, "start", k=4), update_size(weight)]
    if following:
        of_weights.append(balance(weight, following))
    of_samples = [active_share(features, batch), dormant_share(features, batch), kernel_alignment(features, batch)]
    of_samples += [linear_probe(features, batch), neural_collapse("head", batch), sample_losses(batch)]
    of_samples += [sample_margins(batch), first_learned(batch), forgetting_events(batch), cartography(batch)]
    of_samples += [gradient_outer_product(layer, batch), gradient_outer_product_correlation(layer, batch)]
    of_samples += [gradient_noise(batch), tangent_kernel_alignment(batch), sharpness(batch)]
    return of_weights + of_samples


def _rows(name: str) -> list[dict[str, object]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        make, inputs, _ = NETWORKS[name]
        model, labels = make(), torch.arange(LOOKED_AT) % CLASSES
        batch = ProbeBatch(inputs(LOOKED_AT), labels=labels)
        training = partial(_train, model, inputs(TRAINED), torch.arange(TRAINED) % CLASSES)
    parameters = dict(named_parameters(model))
    rows = []
    for quantity in quantities(name, batch):

        def look(quantity: Quantity = quantity, steps: Iterator[int] = count()) -> None:  # noqa: B008 - one for each
            quantity(State(next(steps), parameters, model))

        try:
            bare, looked = interleaved([training, look], rounds=ROUNDS)
        except Exception as error:  # noqa: BLE001 - one that cannot be measured of this network is no row
            click.echo(f"{quantity.name} of the {name}: left out, {error}".splitlines()[0], err=True)
            continue
        note = f"one look at {LOOKED_AT} samples over a step of {TRAINED}, {bare / STEPS * 1e3:.2g} ms"
        click.echo(f"{quantity.name} of the {name}: {looked:.2g} s", err=True)
        rows.append({"name": f"{quantity.name}, {name}", "ratio": looked / (bare / STEPS), "target": "", "note": note})
    return rows


def _train(model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for _ in range(STEPS):
        optimizer.zero_grad()
        cross_entropy(model(inputs), labels).backward()
        optimizer.step()
