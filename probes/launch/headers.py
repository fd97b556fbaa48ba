"""What a file of directions declares of itself, read without numpy and torch, which the program may want to set up.

So a wrong file is found before the program starts, and not at the first step of its training.
"""

import ast
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from probes.errors import UsageError

__all__ = ["check_directions"]

_LONGEST = 2**24  # bytes of a header
_SAFETENSORS_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    itemsize: int  # bytes of a floating-point number; 0 for any other type


def check_directions(path: Path) -> tuple[int, ...]:
    """Return the shape of the directions in a ``.npy`` or ``.safetensors`` file, as its header declares it.

    Raises:
        UsageError: the file is missing, of another kind, cut off, or declares no set of directions.

    Example:
        >>> import numpy as np
        >>> np.save("directions.npy", np.eye(4))
        >>> check_directions(Path("directions.npy"))
        (4, 4)
    """
    read = {".npy": _npy, ".safetensors": _safetensors}.get(path.suffix)
    if read is None:
        raise UsageError(f"expected directions in a .npy or .safetensors file, got `{path}`")

    try:
        with path.open("rb") as stream:
            header = read(stream)
            rest = path.stat().st_size - stream.tell()
    except OSError as error:
        raise UsageError(_unreadable(path, str(error.strerror))) from error
    except (AttributeError, IndexError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise UsageError(_unreadable(path, "expected a header that tells of one array")) from error

    if header.itemsize == 0:
        raise UsageError(_unreadable(path, "expected floating point"))
    if len(header.shape) < 2 or 0 in header.shape:
        raise UsageError(_unreadable(path, f"expected shape (feature, dim) or more axes, got {header.shape}"))
    if rest < header.itemsize * math.prod(header.shape):
        raise UsageError(_unreadable(path, "it ends early"))
    return header.shape


def _unreadable(path: Path, why: str) -> str:
    return f"no directions could be read from `{path}`: {why}"


def _npy(stream: BinaryIO) -> _Header:
    """The header of NumPy's format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""
    magic, major, _ = stream.read(6), *stream.read(2)
    if magic != b"\x93NUMPY":
        raise ValueError("another kind of file")
    length = int.from_bytes(stream.read(2 if major == 1 else 4), "little")
    facts = ast.literal_eval(stream.read(min(length, _LONGEST)).decode("latin-1"))
    kind = re.fullmatch(r"[<>=|]?f(\d+)", facts["descr"])

    return _Header(tuple(map(int, facts["shape"])), int(kind[1]) if kind else 0)


def _safetensors(stream: BinaryIO) -> _Header:
    """The header of https://github.com/huggingface/safetensors#format, of a file that holds one tensor."""
    length = int.from_bytes(stream.read(8), "little")
    facts = json.loads(stream.read(min(length, _LONGEST)))
    (tensor,) = (facts[name] for name in facts if name != "__metadata__")

    return _Header(tuple(map(int, tensor["shape"])), _SAFETENSORS_BYTES.get(tensor["dtype"], 0))
