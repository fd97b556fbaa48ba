"""What a file of directions declares of itself, read without numpy and torch, which the program may want to set up.

So a wrong file is found before the program starts, and not at the first step of its training.
"""

import ast
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from probes.errors import UsageError

__all__ = ["Header", "check_directions", "npy_header"]

_LONGEST = 2**24  # bytes of a header
_SAFETENSORS_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True)
class Header:
    """What is declared of an array.

    Example:
        >>> str(Header((4, 3), "f", 8))
        '8-byte f of shape (4, 3)'
    """

    shape: tuple[int, ...]
    kind: str  # as numpy has it: "f" floating point, "i" and "u" integers; empty for any other
    itemsize: int  # bytes of a number

    def __str__(self) -> str:
        return f"{self.itemsize}-byte {self.kind} of shape {self.shape}" if self.kind else f"shape {self.shape}"


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
    read = {".npy": npy_header, ".safetensors": _safetensors}.get(path.suffix)
    if read is None:
        raise UsageError(f"expected directions in a .npy or .safetensors file, got `{path}`")
    if path.exists() and not path.is_file():  # a pipe would have the command wait for ever
        raise UsageError(_unreadable(path, "expected a file"))

    try:
        with path.open("rb") as stream:
            header = read(stream)
            rest = path.stat().st_size - stream.tell()
    except OSError as error:
        raise UsageError(_unreadable(path, str(error.strerror))) from error
    except (AttributeError, IndexError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise UsageError(_unreadable(path, "expected a header that tells of one array")) from error

    if header.kind != "f":
        raise UsageError(_unreadable(path, "expected floating point"))
    if len(header.shape) < 2 or 0 in header.shape:
        raise UsageError(_unreadable(path, f"expected shape (feature, dim) or more axes, got {header.shape}"))
    if rest < header.itemsize * math.prod(header.shape):
        raise UsageError(_unreadable(path, "it ends early"))
    return header.shape


def _unreadable(path: Path, why: str) -> str:
    return f"no directions could be read from `{path}`: {why}"


def npy_header(stream: IO[bytes]) -> Header:
    """The header of NumPy's format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.

    Raises:
        ValueError: it is of another kind; other errors where it is damaged.

    Example:
        >>> import io
        >>> import numpy as np
        >>> np.save(stream := io.BytesIO(), np.zeros((4, 3)))
        >>> npy_header(io.BytesIO(stream.getvalue())).shape
        (4, 3)
    """
    magic, major, _ = stream.read(6), *stream.read(2)
    if magic != b"\x93NUMPY":
        raise ValueError("another kind of file")
    length = int.from_bytes(stream.read(2 if major == 1 else 4), "little")
    facts = ast.literal_eval(stream.read(min(length, _LONGEST)).decode("latin-1"))
    kind = re.fullmatch(r"[<>=|]?([fiu])(\d+)", facts["descr"])

    shape = tuple(map(int, facts["shape"]))
    return Header(shape, kind[1], int(kind[2])) if kind else Header(shape, "", 0)


def _safetensors(stream: IO[bytes]) -> Header:
    """The header of https://github.com/huggingface/safetensors#format, of a file that holds one tensor."""
    length = int.from_bytes(stream.read(8), "little")
    facts = json.loads(stream.read(min(length, _LONGEST)))
    (tensor,) = (facts[name] for name in facts if name != "__metadata__")

    itemsize = _SAFETENSORS_BYTES.get(tensor["dtype"], 0)
    return Header(tuple(map(int, tensor["shape"])), "f" if itemsize else "", itemsize)
