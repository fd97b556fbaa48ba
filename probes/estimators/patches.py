"""Patches: the pieces of an input that a convolution's weight is multiplied with, in the weight's own layout.

Axes: n = sample, p = patch (place of the kernel, the last spatial axis varying fastest), d = dim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import torch
from torch import Tensor

__all__ = ["Patches"]

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
_Sizes = int | Sequence[int]


@dataclass(frozen=True)
class Patches:
    r"""Takes the patches of images, volumes or sequences: what a convolution's weight sees at each of its places.

    A patch ``(channel, *kernel)`` is flattened as a `Tap` flattens a weight ``(neuron, channel, *kernel)``, so that the
    convolution's output is :math:`\langle w_r, x_p \rangle` plus bias.

    Args:
        kernel_size: Size of the kernel, one number or one per spatial axis.
        stride: Distance of two places.
        padding: How much is put around the input, or "same" or "valid".
        dilation: Distance of two entries of the kernel.
        padding_mode: With what: "zeros", "reflect", "replicate" or "circular".

    Raises:
        ValueError: ``padding_mode`` is none of these.

    Example:
        >>> images = torch.randn(5, 3, 8, 8)
        >>> Patches(3)(images).shape
        torch.Size([5, 36, 27])
        >>> convolution = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        >>> responses = Patches.of(convolution)(images) @ convolution.weight.flatten(1).T
        >>> torch.allclose(responses, convolution(images).flatten(2).mT, atol=1e-5)
        True
    """

    kernel_size: _Sizes
    stride: _Sizes = 1
    padding: _Sizes | str = 0
    dilation: _Sizes = 1
    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        if self.padding_mode not in _MODES:
            raise ValueError(f"expected `padding_mode` of {', '.join(_MODES)}, got {self.padding_mode!r}")

    @classmethod
    def of(cls, convolution: torch.nn.Module) -> Self:
        """The patches that a convolution of torch sees.

        Raises:
            TypeError: it is no Conv1d, Conv2d or Conv3d.
            ValueError: its channels are in groups, so that no patch of all channels meets its weight.

        Example:
            >>> Patches.of(torch.nn.Conv1d(1, 4, 5)).kernel_size
            (5,)
        """
        if not isinstance(convolution, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Conv3d):
            raise TypeError(f"expected a Conv1d, Conv2d or Conv3d, got {type(convolution).__name__}")
        if convolution.groups != 1:
            raise ValueError(f"expected a convolution with groups=1, got groups={convolution.groups}")

        names = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
        return cls(*(getattr(convolution, name) for name in names))

    def __call__(self, images: Tensor) -> Tensor:
        """The patches of a batch ``(sample, channel, *spatial axes)``, as ``(sample, patch, dim)``.

        Raises:
            ValueError: the batch has no spatial axes, other ones than the kernel, or is smaller than it.
        """
        axes = images.ndim - 2
        if axes < 1:
            raise ValueError(f"expected a batch (sample, channel, *spatial axes), got shape {tuple(images.shape)}")
        kernel, stride, dilation = (_each(sizes, axes) for sizes in (self.kernel_size, self.stride, self.dilation))
        padded = self._padded(images, kernel, dilation)
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        if any(length < span for length, span in zip(padded.shape[2:], spans, strict=True)):
            raise ValueError(f"expected spatial axes of at least {tuple(spans)}, got shape {tuple(images.shape)}")

        taken = padded
        for axis, (span, step, gap) in enumerate(zip(spans, stride, dilation, strict=True), 2):
            taken = taken.unfold(axis, span, step)[..., ::gap]
        places = taken.movedim(1, 1 + axes)  # (sample, *places, channel, *kernel)
        return places.flatten(1 + axes).flatten(1, axes)

    def _padded(self, images: Tensor, kernel: Sequence[int], dilation: Sequence[int]) -> Tensor:
        if self.padding == "valid":
            return images
        if self.padding == "same":
            whole = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
            sides = [(width // 2, width - width // 2) for width in whole]
        else:
            sides = [(width, width) for width in _each(self.padding, len(kernel))]

        # `pad` counts axes from the last one.
        return torch.nn.functional.pad(images, list(chain(*reversed(sides))), _MODES[self.padding_mode])


def _each(sizes: _Sizes | str, axes: int) -> tuple[int, ...]:
    if isinstance(sizes, str):
        raise ValueError(f'expected `padding` "same", "valid" or numbers, got {sizes!r}')
    given = (sizes,) * axes if isinstance(sizes, int) else tuple(sizes)
    if len(given) != axes:
        raise ValueError(f"expected a number for each of {axes} spatial axes, got {given}")
    return given
