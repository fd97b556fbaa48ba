"""Images in folders: ``train/CLASS/picture.png`` and ``test/CLASS/picture.png``, any format that Pillow decodes."""

from pathlib import Path

import numpy as np
import torch

from probes.errors import DataError, UsageError
from probes.learners.images.images import Images

__all__ = ["read_folder"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MODES = {1: "L", 3: "RGB"}


def read_folder(folder: str | Path, part: str, *, channels: int = 3, size: int = 0) -> Images:
    """Return the images of one part of a folder, pixels in [0, 1]; classes are the folders in "train", by alphabet.

    Args:
        folder: It holds a folder for each part, with a folder of pictures for each class in it.
        part: "train" or "test".
        channels: 3 for colours, 1 for grey.
        size: Pixels of a side that every picture is brought to; 0 where all have the same size already.

    Raises:
        DataError: A folder is missing, empty or of a class that is new in it, or a picture cannot be decoded or has
            another size than the first.
        UsageError: Pillow is not installed.

    Example:
        >>> from PIL import Image
        >>> for name in ("cat", "dog"):
        ...     Path("train", name).mkdir(parents=True)
        ...     Image.new("RGB", (4, 3)).save(f"train/{name}/one.png")
        >>> images = read_folder(".", "train")
        >>> images.ids, images.shape, images.labels.tolist()
        (('train/cat/one.png', 'train/dog/one.png'), (3, 3, 4), [0, 1])
    """
    folder = Path(folder)
    classes = _classes(folder, "train")
    if new := sorted(set(_classes(folder, part)) - set(classes)):
        raise DataError(f"expected the classes of {folder / 'train'} in {folder / part}, got {', '.join(new)} besides")
    named = [(path, label) for label, name in enumerate(classes) for path in sorted(folder.glob(f"{part}/{name}/*"))]
    found = [(path, label) for path, label in named if path.suffix.lower() in SUFFIXES]
    if not found:
        raise DataError(
            f"expected pictures in {folder / part}/CLASS/, got none; lay them out as train/CLASS/picture.png and "
            "test/CLASS/picture.png, and name their folder in `path`"
        )
    pictures = [_decoded(path, MODES[channels], size) for path, _ in found]
    for (path, _), picture in zip(found, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise DataError(
                f"expected {_size(pictures[0])} pixels as in {found[0][0]}, got {_size(picture)}: {path}; set `size` "
                "to bring all pictures to one size"
            )
    inputs = torch.from_numpy(np.stack(pictures)).float().div_(255).view(len(found), *pictures[0].shape[:2], channels)

    return Images(
        inputs.permute(0, 3, 1, 2).contiguous(),
        torch.tensor([label for _, label in found]),
        tuple(str(path.relative_to(folder)) for path, _ in found),
        len(classes),
    )


def _classes(folder: Path, part: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{part}/*") if path.is_dir())


def _decoded(path: Path, mode: str, size: int) -> np.ndarray:
    """Return the pixels of a picture, ``(height, width)`` or ``(height, width, channel)``, uint8."""
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError(
            "expected Pillow, which decodes pictures, got none; install it with `pip install feature-probes[real]`"
        ) from error

    try:
        with Image.open(path) as picture:
            pixels = picture.convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"expected a picture that can be decoded, got {error}: {path}") from error

    return np.asarray(pixels.resize((size, size), Image.Resampling.BILINEAR) if size else pixels)


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"
