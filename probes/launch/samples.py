"""What a file that directions are estimated from declares of itself, read without numpy and torch.

So a wrong file is found before the program starts, and not at the first step of its training.
"""

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from probes.errors import UsageError
from probes.launch.array_headers import Header, npy_header

__all__ = ["INPUTS", "LABELS", "array_among", "check_samples", "check_weights"]

INPUTS = ("inputs", "x")  # names of an array; the first that is there counts
LABELS = ("labels", "y")
_WEIGHTS = "weights.safetensors"  # as in `probes.log.layout`, which loads numpy
_DAMAGED = (AttributeError, EOFError, IndexError, KeyError, SyntaxError, TypeError, ValueError, NotImplementedError)
_NO_ARCHIVE = (zipfile.BadZipFile, zlib.error)


def array_among(names: Collection[str], wanted: tuple[str, ...], path: Path) -> str:
    """The name of an array of a ``.npz`` file, under the first of several names that it has.

    Raises:
        UsageError: there is none.

    Example:
        >>> array_among(["x", "y"], LABELS, Path("data.npz"))
        'y'
    """
    found = next((name for name in wanted if name in names), None)
    if found is None:
        there = ", ".join(sorted(names)) or "none"
        raise UsageError(f"expected in `{path}` an array `{wanted[0]}` (or `{wanted[1]}`), got {there}")
    return found


def check_samples(path: Path, *, labelled: bool) -> tuple[int, ...]:
    """The shape of the inputs in a file of samples, as its header declares it.

    That is a ``.npz`` file with ``inputs`` (or ``x``), and ``labels`` (or ``y``) where they are needed; where they are
    not, it may be a ``.npy`` file of the inputs alone.

    Raises:
        UsageError: the file is missing, of another kind, damaged, or its arrays do not fit.

    Example:
        >>> import numpy as np
        >>> np.savez("data.npz", inputs=np.zeros((4, 3)), labels=np.arange(4))
        >>> check_samples(Path("data.npz"), labelled=True)
        (4, 3)
    """
    suffixes = {".npz"} if labelled else {".npz", ".npy"}
    if path.suffix not in suffixes:
        raise UsageError(f"expected samples in a {' or '.join(sorted(suffixes))} file, got `{path}`")

    try:
        inputs, labels = _npz(path, labelled=labelled) if path.suffix == ".npz" else (_npy(path), None)
    except OSError as error:
        raise UsageError(f"no samples could be read from `{path}`: {error.strerror}") from error
    except (*_DAMAGED, *_NO_ARCHIVE) as error:
        raise UsageError(f"no samples could be read from `{path}`: expected arrays as numpy saves them") from error

    if inputs.kind not in {"f", "i", "u"} or len(inputs.shape) < 2 or 0 in inputs.shape:
        raise UsageError(f"expected inputs in `{path}` of numbers (sample, dim) or more axes, got {inputs}")
    if labels is not None and (labels.kind not in {"i", "u"} or labels.shape != inputs.shape[:1]):
        raise UsageError(f"expected labels in `{path}` of integers ({inputs.shape[0]},), got {labels}")
    return inputs.shape


def check_weights(path: Path) -> None:
    """Check that there are weights of a network: a ``.safetensors`` file, or a run's directory that has one.

    Raises:
        UsageError: there are none.

    Example:
        >>> Path("weights.safetensors").touch()
        >>> check_weights(Path("weights.safetensors"))
    """
    file = path / _WEIGHTS if path.is_dir() else path
    if file.suffix != ".safetensors" or not file.is_file():
        raise UsageError(f"expected weights in a .safetensors file, or a run's directory that has them, got `{path}`")


def _npz(path: Path, *, labelled: bool) -> tuple[Header, Header | None]:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]

        def header(wanted: tuple[str, ...]) -> Header:
            with archive.open(f"{array_among(names, wanted, path)}.npy") as stream:
                return npy_header(stream)

        return header(INPUTS), header(LABELS) if labelled else None


def _npy(path: Path) -> Header:
    with path.open("rb") as stream:
        return npy_header(stream)
