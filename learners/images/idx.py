"""Images in IDX files, as MNIST, Fashion-MNIST, KMNIST and EMNIST come: four files, compressed or not.

Source of the format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits",
http://yann.lecun.com/exdb/mnist/: two zero bytes, a byte for the type (8: unsigned bytes), one for the number of axes,
their lengths as big-endian 32-bit numbers, then the values.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch

from probes.errors import DataError
from probes.learners.images.images import Images

__all__ = ["FASHION", "read_idx", "read_idx_images"]

FASHION = "/usr/share/datasets/fashion-mnist"  # where Debian's package has them
UNSIGNED_BYTE = 8
NAMES = {"train": ("train",), "test": ("t10k", "test")}
WANTED = "{train,t10k}-{images-idx3,labels-idx1}-ubyte, each as it is or .gz"


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of an IDX file of unsigned bytes, uint8.

    Args:
        path: The file; compressed where its name ends in ".gz".

    Raises:
        DataError: The file cannot be read, is no IDX file of unsigned bytes, or not as long as it says.

    Example:
        >>> _ = Path("labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 0]))
        >>> read_idx("labels-idx1-ubyte")
        array([7, 1, 0], dtype=uint8)
    """
    try:
        with gzip.open(path) if str(path).endswith(".gz") else Path(path).open("rb") as stream:
            head = stream.read(4)
            if len(head) < 4 or head[:3] != bytes([0, 0, UNSIGNED_BYTE]):
                raise DataError(f"expected an IDX file of unsigned bytes (magic 00 00 08), got {head.hex(' ')}: {path}")
            lengths = stream.read(4 * head[3])
            if len(lengths) < 4 * head[3]:
                raise DataError(f"expected the lengths of {head[3]} axes, got {len(lengths)} bytes: {path} is cut off")
            shape = struct.unpack(f">{head[3]}I", lengths)
            values = stream.read(math.prod(shape) + 1)  # one more, to see whether there is more
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"expected a readable IDX file, got {error}: {path}") from error
    if len(values) != math.prod(shape):
        more = "more" if len(values) > math.prod(shape) else len(values)
        raise DataError(f"expected {math.prod(shape)} values of shape {shape}, got {more}: {path} is damaged")

    return np.frombuffer(values, np.uint8).reshape(shape)


def read_idx_images(folder: str | Path, part: str) -> Images:
    """Return the images of one part of a folder of IDX files, pixels in [0, 1].

    Args:
        folder: It holds the four files; what their names begin with besides, as EMNIST's, is of no matter.
        part: "train" or "test".

    Raises:
        DataError: A file is missing, there more than once, or damaged, images and labels do not fit each other, or
            there are labels that no training image has.

    Example:
        >>> for part in ("train", "t10k"):
        ...     head = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1])
        ...     _ = Path(f"{part}-images-idx3-ubyte").write_bytes(head + bytes([0, 255]))
        ...     _ = Path(f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]))
        >>> images = read_idx_images(".", "test")
        >>> images.ids, images.labels.tolist(), images.inputs.flatten().tolist()
        (('test-00000', 'test-00001'), [1, 0], [0.0, 1.0])
    """
    folder = Path(folder)
    pictures = read_idx(images := _file(folder, part, "images", 3))
    labels = read_idx(own := _file(folder, part, "labels", 1))
    if pictures.ndim != 3 or labels.ndim != 1:
        raise DataError(
            f"expected images of 3 axes and labels of 1, got shapes {pictures.shape} and {labels.shape}: {images}, "
            f"{own}"
        )
    if len(pictures) != len(labels):
        raise DataError(f"expected a label for each of {len(pictures)} images, got {len(labels)}: {images}, {own}")
    classes = int(read_idx(_file(folder, "train", "labels", 1)).max(initial=0)) + 1
    if labels.max(initial=0) >= classes:
        raise DataError(f"expected labels of 0 to {classes - 1}, those of training, got {labels.max()}: {own}")
    names = tuple(f"{part}-{number:05d}" for number in range(len(labels)))

    return Images(
        torch.tensor(pictures, dtype=torch.float32)[:, None] / 255,
        torch.tensor(labels, dtype=torch.int64),
        names,
        classes,
    )


def _file(folder: Path, part: str, what: str, axes: int) -> Path:
    found = [
        path
        for name in NAMES[part]
        for end in ("", ".gz")
        for path in sorted(folder.glob(f"*{name}-{what}[-.]idx{axes}-ubyte{end}"))
    ]
    unique = {path.name.removesuffix(".gz"): path for path in reversed(found)}
    if len(unique) == 1:
        return next(iter(unique.values()))

    there = ", ".join(sorted(unique)) or "none"
    raise DataError(
        f"expected one file of {part} {what} in {folder}, got {there}; the four files are {WANTED}: "
        "name their folder in `path`, or install Debian's `dataset-fashion-mnist`"
    )
