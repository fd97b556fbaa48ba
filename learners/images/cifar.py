"""CIFAR-10 and CIFAR-100 in their binary version: rows of a label, or two, and 3 x 32 x 32 bytes.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html. The Python version is pickled: it can run code, and is never read.
"""

from pathlib import Path

import numpy as np
import torch

from probes.errors import DataError
from probes.learners.images.images import Images

__all__ = ["read_cifar"]

PIXELS = 3 * 32 * 32
FILES = {
    (10, "train"): tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    (10, "test"): ("test_batch.bin",),
    (100, "train"): ("train.bin",),
    (100, "test"): ("test.bin",),
}
LABELS = {10: 1, 100: 2}  # bytes before the pixels; the last is the class


def read_cifar(folder: str | Path, part: str, *, classes: int) -> Images:
    """Return the images of one part of CIFAR, ``(sample, 3, 32, 32)``, pixels in [0, 1].

    Args:
        folder: It holds the files of the binary version, as ``cifar-10-batches-bin`` does.
        part: "train" or "test".
        classes: 10 or 100.

    Raises:
        DataError: A file is missing or damaged.

    Example:
        >>> _ = Path("test_batch.bin").write_bytes(bytes([3]) + bytes(PIXELS))
        >>> images = read_cifar(".", "test", classes=10)
        >>> images.shape, images.labels.tolist()
        ((3, 32, 32), [3])
    """
    rows = np.concatenate([_rows(Path(folder, name), classes) for name in FILES[classes, part]])
    labels = rows[:, LABELS[classes] - 1]
    names = tuple(f"{part}-{number:05d}" for number in range(len(rows)))
    pictures = torch.tensor(rows[:, LABELS[classes] :], dtype=torch.float32).div_(255).view(-1, 3, 32, 32)

    return Images(pictures, torch.tensor(labels, dtype=torch.int64), names, classes)


def _rows(path: Path, classes: int) -> np.ndarray:
    wanted = ", ".join(FILES[classes, "train"] + FILES[classes, "test"])
    try:
        values = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(
            f"expected a readable {path.name} in {path.parent}, got {error.strerror}; name in `path` the folder of the "
            f"binary version of CIFAR-{classes}, with {wanted} (the Python version is pickled, and never loaded)"
        ) from error
    length = LABELS[classes] + PIXELS
    if not len(values) or len(values) % length:
        raise DataError(
            f"expected rows of {length} bytes, got {len(values)} bytes: {path} is damaged or of another kind"
        )
    rows = values.reshape(-1, length)
    highest = int(rows[:, LABELS[classes] - 1].max())
    if highest >= classes:
        raise DataError(f"expected labels of 0 to {classes - 1}, got {highest}: {path} is damaged or of another kind")

    return rows
