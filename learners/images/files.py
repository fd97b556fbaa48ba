"""The data section for images as they come: from scikit-learn, or from files that the user has."""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from probes.errors import DataError
from probes.learners.images.cifar import read_cifar
from probes.learners.images.digits import handwritten_digits
from probes.learners.images.draws import generator
from probes.learners.images.folders import read_folder
from probes.learners.images.idx import FASHION, read_idx_images
from probes.learners.images.images import Images
from probes.learners.images.scenes import Part

__all__ = ["ImageFiles"]

Source = Literal["digits", "fashion", "idx", "cifar10", "cifar100", "folder"]
SOURCES = ("digits", "fashion", "idx", "cifar10", "cifar100", "folder")
DIGITS_TEST = 1000  # digits that are for testing, as they come without parts


@dataclass(frozen=True)
class ImageFiles:
    """Images of a source, with no views planted. Nothing is downloaded, and no pickle is loaded.

    Attributes:
        kind: How recipes call this data.
        source: "digits" (scikit-learn's); "fashion" (Debian's package `dataset-fashion-mnist`, or ``path``); "idx", the
            four files of MNIST and its kin; "cifar10" or "cifar100", the binary version; or "folder", pictures as
            train/CLASS/picture.png and test/CLASS/picture.png.
        path: Folder of the files; none for "digits".
        train: Number of training images, drawn by the seed; 0 for all.
        test: Number of test images, likewise.
        standardise: Whether each channel has mean 0 and variance 1 over the training images; else pixels are in [0, 1].
        channels: Of "folder": 3 for colours, 1 for grey.
        size: Of "folder": pixels of a side that every picture is brought to; 0 where all have the same size.

    Raises:
        ValueError: If a value is impossible; the text says which.

    Example:
        >>> images = ImageFiles("digits", train=300)
        >>> [len(images.sample(part, seed=0)) for part in ("train", "test")]
        [300, 1000]
    """

    source: Source = "digits"
    path: str = ""
    train: int = 0
    test: int = 0
    standardise: bool = True
    channels: int = 3
    size: int = 0
    kind: Literal["images"] = "images"

    def __post_init__(self) -> None:
        rules = [
            (self.source in SOURCES, f"expected `source` one of {', '.join(SOURCES)}, got {self.source!r}"),
            (
                bool(self.path) or self.source in {"digits", "fashion"},
                f"expected `path`, the folder of the files of {self.source!r}, got none",
            ),
            (
                min(self.train, self.test, self.size) >= 0,
                f"expected `train`, `test` and `size` >= 0, got {[self.train, self.test, self.size]}",
            ),
            (self.channels in {1, 3}, f"expected `channels` 1 or 3, got {self.channels}"),
        ]
        for holds, reason in rules:
            if not holds:
                raise ValueError(reason)

    def sample(self, part: Part, seed: int) -> Images:
        """Return the images of one part.

        Args:
            part: "train" or "test".
            seed: Seed of the draw where not all are taken; of "digits", of the split too.

        Raises:
            DataError: Files are missing or damaged; the text says which belong where.
            UsageError: The package that a source needs is not installed.
            ValueError: If there are fewer images than `train` or `test` asks for.
        """
        images = self._drawn(part, seed)
        if not self.standardise:
            return images
        known = images if part == "train" else self._drawn("train", seed)
        if known.shape != images.shape:
            raise DataError(
                f"expected test images of shape {known.shape}, as training images, got {images.shape}: {self.path}"
            )
        seen = known.inputs
        mean, spread = seen.mean((0, 2, 3), keepdim=True), seen.std((0, 2, 3), keepdim=True).clamp_min(1e-6)

        return replace(images, inputs=(images.inputs - mean) / spread)

    def _drawn(self, part: Part, seed: int) -> Images:
        images = _digits(part, seed) if self.source == "digits" else self._read(part)
        count = self.train if part == "train" else self.test
        if count > len(images):
            raise ValueError(f"expected `{part}` <= {len(images)}, the images there are, got {count}")
        if not count:
            return images

        return images[torch.randperm(len(images), generator=generator("subset", seed))[:count]]

    def _read(self, part: Part) -> Images:
        if self.source == "folder":
            return read_folder(self.path, part, channels=self.channels, size=self.size)
        if self.source in {"cifar10", "cifar100"}:
            return read_cifar(self.path, part, classes=int(self.source.removeprefix("cifar")))

        return read_idx_images(self.path or FASHION, part)


def _digits(part: Part, seed: int) -> Images:
    digits = handwritten_digits()
    order = torch.randperm(len(digits), generator=generator("split", seed))

    return digits[order[DIGITS_TEST:] if part == "train" else order[:DIGITS_TEST]]
