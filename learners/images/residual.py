"""Residual networks for images of 28 to 32 pixels: ResNet-20, -32, ... and WRN-d-w.

Sources: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, Section 4.2,
https://arxiv.org/abs/1512.03385; S. Zagoruyko and N. Komodakis, "Wide Residual Networks", BMVC 2016,
https://arxiv.org/abs/1605.07146 (without dropout).
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import pad

__all__ = ["residual", "wide_residual"]

CHANNELS = (16, 32, 64)  # of the three stages; from one to the next, images shrink to half


def residual(depth: int, channels: int, classes: int) -> nn.Sequential:
    """Return a ResNet of 6 n + 2 layers: a convolution, three stages of n blocks, a mean over places, a head.

    Where a stage shrinks the image, the shortcut takes every second place, and the new channels are 0 (option A).

    Args:
        depth: 20, 32, 44, ...
        channels: Of the images.
        classes: Number of classes k.

    Example:
        >>> sum(weights.numel() for weights in residual(20, 3, 10).parameters())
        269722
    """
    first = [_convolution(channels, CHANNELS[0]), nn.BatchNorm2d(CHANNELS[0]), nn.ReLU()]

    return nn.Sequential(*first, *_stages(Block, (depth - 2) // 6, CHANNELS), *_head(CHANNELS[-1], classes))


def wide_residual(depth: int, width: int, channels: int, classes: int) -> nn.Sequential:
    """Return a WRN-depth-width of 6 n + 4 layers: norm and activation come before each convolution.

    Args:
        depth: 10, 16, 22, 28, ...
        width: Factor on the channels of the stages.
        channels: Of the images.
        classes: Number of classes k.

    Example:
        >>> sum(weights.numel() for weights in wide_residual(16, 4, 3, 10).parameters())
        2748890
    """
    stages = [width * each for each in CHANNELS]
    blocks = _stages(WideBlock, (depth - 4) // 6, stages)
    last = [nn.BatchNorm2d(stages[-1]), nn.ReLU()]

    return nn.Sequential(_convolution(channels, CHANNELS[0]), *blocks, *last, *_head(stages[-1], classes))


class Block(nn.Module):
    """Two convolutions with batch norm beside a shortcut.

    Args:
        before: Channels that come in.
        after: Channels that go out.
        stride: 2 where the image shrinks.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.first_norm = _convolution(before, after, stride), nn.BatchNorm2d(after)
        self.second, self.second_norm = _convolution(after, after), nn.BatchNorm2d(after)
        self.stride, self.new = stride, after - before

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the block's units, ``(sample, channel, height, width)``."""
        units = self.first_norm(self.first(inputs)).relu()
        units = self.second_norm(self.second(units))
        shortcut = inputs[..., :: self.stride, :: self.stride]
        low = self.new // 2

        block: Tensor = (units + pad(shortcut, (0, 0, 0, 0, low, self.new - low))).relu()
        return block


class WideBlock(nn.Module):
    """Two convolutions, each after a batch norm and ReLU, beside a shortcut.

    Args:
        before: Channels that come in.
        after: Channels that go out.
        stride: 2 where the image shrinks.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first_norm, self.first = nn.BatchNorm2d(before), _convolution(before, after, stride)
        self.second_norm, self.second = nn.BatchNorm2d(after), _convolution(after, after)
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)
        self.same = same

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the block's units, ``(sample, channel, height, width)``."""
        ready = self.first_norm(inputs).relu()
        units = self.second(self.second_norm(self.first(ready)).relu())

        block: Tensor = units + self.shortcut(inputs if self.same else ready)
        return block


def _stages(
    block: Callable[[int, int, int], nn.Module], count: int, channels: list[int] | tuple[int, ...]
) -> list[nn.Module]:
    before, blocks = CHANNELS[0], []
    for stage, after in enumerate(channels):
        for number in range(count):
            blocks.append(block(before, after, 2 if stage and not number else 1))
            before = after

    return blocks


def _convolution(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")

    return convolution


def _head(before: int, classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
