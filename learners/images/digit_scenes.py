"""Scenes of handwritten digits, whose two views are mirror images of each other, so that neither is easier."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from probes.learners.images.digits import handwritten_digits
from probes.learners.images.draws import generator
from probes.learners.images.images import Images
from probes.learners.images.scenes import Glyphs, Part, Scenery

__all__ = ["DigitScenes", "glyphs_of", "mirrored", "split"]

TURNED = 3  # classes on, where views are unequal


@dataclass(frozen=True)
class DigitScenes(Scenery):
    """Scenes of the digits 0 to k - 1, 24 x 24 pixels as they stand.

    View 0 of class c is a handwriting of digit c, view 1 another handwriting of it, transposed. Transposing all scenes
    swaps the views, so neither is easier for a network that treats rows as it treats columns.

    Attributes:
        kind: How recipes call this distribution.
        views: "mirrored"; or "unequal": view 1 is digit c + 3 turned by 90 degrees, which need not be as easy.
        train_share: Share of the handwritings from which training scenes are made; the rest is for test scenes.

    Example:
        >>> scenes = DigitScenes(train=40).sample("train", seed=0)
        >>> scenes.inputs.shape, scenes.cells[0].unique().numel()
        (torch.Size([40, 1, 24, 24]), 2)
    """

    kind: Literal["digit_scenes"] = "digit_scenes"
    views: Literal["mirrored", "unequal"] = "mirrored"
    train_share: float = 0.6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes > 10:
            raise ValueError(f"expected `classes` of 2 to 10 (digits), got {self.classes}")
        if self.views not in {"mirrored", "unequal"}:
            raise ValueError(f'expected `views` "mirrored" or "unequal", got {self.views!r}')
        if not 0 < self.train_share < 1:
            raise ValueError(f"expected `train_share` in (0, 1), got {self.train_share}")

    def glyphs(self, part: Part, seed: int) -> Glyphs:
        """Return the handwritings of one part of the data, at norm `norm`.

        Args:
            part: "train" or "test"; no handwriting is in both.
            seed: Seed of the split.
        """
        digits = split(handwritten_digits(), part, seed, share=self.train_share)
        if self.views == "mirrored":
            return mirrored(glyphs_of(digits, self.classes), self.norm)

        return _unequal(digits, self.classes, self.norm)


def split(images: Images, part: Part, seed: int, *, share: float) -> Images:
    """Return one part of the images of every class.

    Args:
        images: All of them.
        part: "train" or "test".
        seed: Seed of the split.
        share: Share of a class that is for training.

    Example:
        >>> images = Images(torch.zeros(10, 1, 8, 8), torch.arange(10) % 2, tuple("abcdefghij"), 2)
        >>> [len(split(images, part, 0, share=0.6)) for part in ("train", "test")]
        [6, 4]
    """
    draws = generator("split", seed)
    chosen = []
    for number in range(images.classes):
        rows = (images.labels == number).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=draws)]
        cut = round(share * len(rows))
        chosen.append(rows[:cut] if part == "train" else rows[cut:])

    return images[torch.cat(chosen).sort().values]


def glyphs_of(images: Images, classes: int) -> tuple[Tensor, Tensor]:
    """Return the pictures of the first classes sorted by class, ``(picture, height, width)``, and how many each has.

    Example:
        >>> images = Images(torch.zeros(5, 1, 8, 8), torch.tensor([1, 0, 2, 1, 0]), tuple("abcde"), 3)
        >>> pictures, counts = glyphs_of(images, 2)
        >>> len(pictures), counts.tolist()
        (4, [2, 2])
    """
    order = images.labels.argsort(stable=True)
    counts = images.labels.bincount(minlength=images.classes)[:classes]

    return images.inputs[order][: int(counts.sum()), 0], counts


def mirrored(glyphs: tuple[Tensor, Tensor], norm: float) -> Glyphs:
    """Return glyphs whose second view is the first one's mirror image, scaled to L2 norm ``norm``.

    Example:
        >>> glyphs = mirrored((torch.rand(4, 8, 8), torch.tensor([2, 2])), 4.0)
        >>> torch.equal(glyphs.pictures[1], glyphs.pictures[0].mT), round(float(glyphs.pictures[0, 0].norm()), 4)
        (True, 4.0)
    """
    pictures, counts = glyphs
    pictures = _scaled(pictures, norm)

    return Glyphs(torch.stack([pictures, pictures.mT]), counts)


def _unequal(digits: Images, classes: int, norm: float) -> Glyphs:
    """Return glyphs whose second view is another class's picture, turned; as many of either."""
    pictures, counts = glyphs_of(digits, digits.classes)
    first = counts.cumsum(0) - counts
    other = (torch.arange(classes) + TURNED) % digits.classes
    least = torch.minimum(counts[:classes], counts[other])
    views = [
        torch.cat([pictures[first[one] : first[one] + count] for one, count in zip(numbers, least, strict=True)])
        for numbers in (torch.arange(classes), other)
    ]

    return Glyphs(torch.stack([_scaled(views[0], norm), _scaled(views[1].rot90(dims=(1, 2)), norm)]), least)


def _scaled(pictures: Tensor, norm: float) -> Tensor:
    scaled: Tensor = norm * normalize(pictures.flatten(1), dim=1).view(pictures.shape)

    return scaled
