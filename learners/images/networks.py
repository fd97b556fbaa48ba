r"""The section of a recipe that names a network for images, and the two small ones: convolutions, and layers.

Each is one ordinary `torch.nn.Module`, images ``(sample, channel, height, width)`` in and logits ``(sample, class)``
out; `probes.learners.images.stack.Stack` trains many side by side.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from probes.learners.images.residual import residual, wide_residual

__all__ = ["GlobalPool", "ImageNetwork", "Power"]

Kind = Literal["conv", "mlp", "resnet", "wrn"]
POOLS = ("max", "average")
FIRST, LATER = 5, 3  # sides of the kernels


@dataclass(frozen=True)
class ImageNetwork:
    """A network for images, as a recipe names it.

    "conv": a convolution 5x5 with stride 2, one 3x3 with stride 2, then 3x3 with stride 1, as many as there are
    ``widths``, each followed by the activation; a global pool; a linear head. "mlp": layers of ``widths`` on all
    pixels. "resnet" and "wrn": `probes.learners.images.residual`.

    Attributes:
        kind: "conv", "mlp", "resnet" or "wrn".
        widths: Of "conv": channels of each convolution; of "mlp": neurons of each layer.
        pool: Of "conv": "max" or "average", over all places.
        power: Of "conv" and "mlp": the activation is ReLU to this power.
        batch_norm: Of "conv": whether each convolution is followed by a batch norm.
        initialisation: "default", as PyTorch does it; or "he", normal with variance 2 / fan_in, biases 0.
        depth: Of "resnet": 20, 32, ... (6 n + 2); of "wrn": 10, 16, 28, ... (6 n + 4).
        width: Of "wrn": the factor on the channels 16, 32, 64.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> network = ImageNetwork(widths=(16, 32, 32)).build((1, 24, 24), classes=10)
        >>> sum(weights.numel() for weights in network.parameters())
        14634
        >>> network(torch.zeros(5, 1, 24, 24)).shape
        torch.Size([5, 10])
    """

    kind: Kind = "conv"
    widths: tuple[int, ...] = (16, 32, 32)
    pool: Literal["max", "average"] = "max"
    power: int = 1
    batch_norm: bool = False
    initialisation: Literal["default", "he"] = "default"
    depth: int = 20
    width: int = 1

    def __post_init__(self) -> None:
        blocks = {"resnet": 2, "wrn": 4}.get(self.kind)
        rules = [
            (
                self.kind in {"conv", "mlp", "resnet", "wrn"},
                f'expected `kind` "conv", "mlp", "resnet" or "wrn", got {self.kind!r}',
            ),
            (
                bool(self.widths) and min(self.widths) >= 1,
                f"expected `widths` >= 1, at least one, got {list(self.widths)}",
            ),
            (self.pool in POOLS, f'expected `pool` "max" or "average", got {self.pool!r}'),
            (self.power >= 1, f"expected `power` >= 1, got {self.power}"),
            (
                self.initialisation in {"default", "he"},
                f'expected `initialisation` "default" or "he", got {self.initialisation!r}',
            ),
            (
                blocks is None or (self.depth > blocks and self.depth % 6 == blocks),
                f"expected `depth` 6 n + {blocks} for {self.kind!r}, got {self.depth}",
            ),
            (self.width >= 1, f"expected `width` >= 1, got {self.width}"),
        ]
        for holds, reason in rules:
            if not holds:
                raise ValueError(reason)

    def build(self, shape: tuple[int, int, int], classes: int, *, seed: int | None = None) -> nn.Module:
        """Return a new network at initialisation.

        Args:
            shape: Channels, height and width of an image.
            classes: Number of classes k.
            seed: Of the initial weights, and PyTorch's generator is left as it was; None draws from that.

        Example:
            >>> one, same = (ImageNetwork("mlp", widths=(8,)).build((1, 8, 8), 10, seed=3) for _ in range(2))
            >>> all(a.equal(b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
            True
        """
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(seed)
            network = self._built(shape, classes)
            if self.initialisation == "he":
                network.apply(_he)

        return network

    def _built(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        if self.kind == "resnet":
            return residual(self.depth, shape[0], classes)
        if self.kind == "wrn":
            return wide_residual(self.depth, self.width, shape[0], classes)

        return self._convolutional(shape, classes) if self.kind == "conv" else self._layered(shape, classes)

    def _convolutional(self, shape: tuple[int, int, int], classes: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip((shape[0], *self.widths), self.widths, strict=False)):
            side, stride = LATER if number else FIRST, 2 if number < 2 else 1
            layers.append(nn.Conv2d(before, after, side, stride, side // 2))
            if self.batch_norm:
                layers.append(nn.BatchNorm2d(after))
            layers.append(Power(self.power))

        return nn.Sequential(*layers, GlobalPool(self.pool), nn.Linear(self.widths[-1], classes))

    def _layered(self, shape: tuple[int, int, int], classes: int) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in zip((shape[0] * shape[1] * shape[2], *self.widths), self.widths, strict=False):
            layers += [nn.Linear(before, after), Power(self.power)]

        return nn.Sequential(*layers, nn.Linear(self.widths[-1], classes))


class Power(nn.Module):
    r"""The activation :math:`ReLU(z)^q`.

    Example:
        >>> Power(3)(torch.tensor([-1.0, 2.0]))
        tensor([0., 8.])
    """

    def __init__(self, q: int) -> None:
        super().__init__()
        self.q = q

    def forward(self, preactivations: Tensor) -> Tensor:
        """Return activations of the same shape."""
        units = preactivations.relu()

        return units if self.q == 1 else units**self.q


class GlobalPool(nn.Module):
    """The greatest or the mean value of every channel over all places.

    Example:
        >>> GlobalPool("max")(torch.arange(8.0).view(1, 2, 2, 2))
        tensor([[3., 7.]])
    """

    def __init__(self, pool: str) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, units: Tensor) -> Tensor:
        """Return ``(sample, channel)`` of units ``(sample, channel, height, width)``."""
        return units.amax((-2, -1)) if self.pool == "max" else units.mean((-2, -1))


def _he(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
