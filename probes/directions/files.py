"""Directions in files: vectors of a ``.npy`` or ``.safetensors`` file, and what stands beside them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from probes.errors import UsageError

__all__ = ["read_vectors", "write_vectors"]

_KEPT = ("names", "labels", "facts", "component")


def read_vectors(path: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    """The vectors in a file, and names, labels, facts and component where it has some; if none, facts of the file.

    Raises:
        UsageError: the file is of another kind, or none.

    Example:
        >>> np.save("directions.npy", np.eye(4, dtype="f4"))
        >>> vectors, kept = read_vectors(Path("directions.npy"))
        >>> vectors.shape, kept["facts"]["estimator"]
        (torch.Size([4, 4]), 'read(directions.npy)')
    """
    read = {".npy": _read_npy, ".safetensors": _read_safetensors}.get(path.suffix)
    if read is None:
        raise UsageError(f"expected directions in a .npy or .safetensors file, got `{path}`")
    if path.exists() and not path.is_file():  # a pipe would wait for ever
        raise UsageError(f"no directions could be read from `{path}`: expected a file")

    vectors, kept = read(path)
    kept = kept or {"facts": _facts_of(path)}
    return vectors, {key: kept[key] for key in _KEPT if kept.get(key) is not None}


def write_vectors(path: Path, vectors: torch.Tensor, kept: Mapping[str, Any]) -> None:
    """Write vectors, and what is known of them, to a ``.safetensors`` file.

    Raises:
        UsageError: the file is of another kind, or cannot be written.

    Example:
        >>> write_vectors(Path("directions.safetensors"), torch.eye(4), {"names": ("token",)})
        >>> read_vectors(Path("directions.safetensors"))[1]
        {'names': ['token']}
    """
    if path.suffix != ".safetensors":
        raise UsageError(f"expected a .safetensors file to write directions to, got `{path}`")
    try:
        save_file({"vectors": vectors}, path, {"directions": json.dumps(dict(kept))})
    except (OSError, SafetensorError) as error:
        raise UsageError(f"no directions could be written to `{path}`: {error}") from error


def _facts_of(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"estimator": f"read({path.name})", "data_sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _read_npy(path: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    return torch.from_numpy(np.load(path, allow_pickle=False)), {}


def _read_safetensors(path: Path) -> tuple[torch.Tensor, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        names = sorted(file.keys())
        if len(names) != 1:
            raise ValueError(f"expected one tensor, got {len(names)} ({', '.join(names)})")
        return file.get_tensor(names[0]), json.loads((file.metadata() or {}).get("directions", "{}"))
