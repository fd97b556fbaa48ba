"""Scenes of garments: Fashion-MNIST, or any other images in IDX files, as two views that are equally hard."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch.nn.functional import adaptive_avg_pool2d

from probes.learners.images.digit_scenes import glyphs_of, mirrored
from probes.learners.images.draws import generator
from probes.learners.images.idx import FASHION, read_idx_images
from probes.learners.images.scenes import Glyphs, Part, Scenery

__all__ = ["FashionScenes"]


@dataclass(frozen=True)
class FashionScenes(Scenery):
    """Scenes of the images in four IDX files; 42 x 42 pixels as they stand.

    View 0 of a class is an image of it, view 1 another one, either transposed or with its pixels in another order, the
    same for all. Two different categories as the two views of one class make no lottery: the easier one wins in every
    run.

    Attributes:
        kind: How recipes call this distribution.
        path: Folder of the four files; empty for that of Debian's package `dataset-fashion-mnist`.
        cell: Pixels of a cell's side that images are brought to by averaging.
        views: "mirrored", for convolutions; or "permuted", as hard as view 0 only where a network does not know which
            pixels are neighbours.
        norm: L2 norm of a glyph at weight 1.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> FashionScenes(cell=7, views="permuted").single_views
        40
    """

    kind: Literal["fashion_scenes"] = "fashion_scenes"
    path: str = ""
    cell: int = 14
    views: Literal["mirrored", "permuted"] = "mirrored"
    norm: float = 7.0  # a pixel is about as bright as in a scene of digits

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell < 2:
            raise ValueError(f"expected `cell` >= 2, got {self.cell}")
        if self.views not in {"mirrored", "permuted"}:
            raise ValueError(f'expected `views` "mirrored" or "permuted", got {self.views!r}')

    def glyphs(self, part: Part, seed: int) -> Glyphs:
        """Return the images of one part of the files, at norm `norm`.

        Args:
            part: "train" or "test", as the files have them.
            seed: Seed of the order of pixels.

        Raises:
            DataError: A file is missing or damaged.
            ValueError: If the files have fewer classes.
        """
        images = read_idx_images(self.path or FASHION, part)
        if images.classes < self.classes:
            raise ValueError(f"expected `classes` <= {images.classes}, those of the files, got {self.classes}")
        small = replace(images, inputs=adaptive_avg_pool2d(images.inputs, self.cell))
        glyphs = mirrored(glyphs_of(small, self.classes), self.norm)
        if self.views == "mirrored":
            return glyphs
        order = torch.randperm(self.cell**2, generator=generator("permutation", seed))
        first = glyphs.pictures[0]

        return replace(glyphs, pictures=torch.stack([first, first.flatten(1)[:, order].view(first.shape)]))
