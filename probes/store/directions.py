"""The directions that a run's correlations were taken with, as they are kept with it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.errors import LogError
from probes.store.arrays import read_arrays, write_arrays
from probes.store.durable import refusal
from probes.store.layout import DIRECTIONS

__all__ = ["StoredDirections", "read_directions", "write_directions"]


@dataclass(frozen=True, eq=False)
class StoredDirections:
    """Directions with a name for every axis but the last, which is ``dim``.

    Raises:
        ValueError: there is not one name for every axis but the last.

    Example:
        >>> StoredDirections(("feature",), np.eye(3)).dims
        ('feature', 'dim')
    """

    names: tuple[str, ...]
    vectors: NDArray[Any]  # axes (*names, dim)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> what its entries are called

    def __post_init__(self) -> None:
        if len(self.names) != self.vectors.ndim - 1:
            raise ValueError(f"expected a name for all but the last axis of {self.vectors.shape}, got {self.names}")

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``dim`` last."""
        return (*self.names, "dim")

    @property
    def sha256(self) -> str:
        """Hash of names, labels, shape, type and values."""
        values = np.ascontiguousarray(self.vectors)
        head = json.dumps([self.names, dict(self.labels), values.shape, values.dtype.str])
        return hashlib.sha256(head.encode() + values.tobytes()).hexdigest()


def write_directions(run_dir: str | Path, directions: StoredDirections) -> None:
    """Store the directions with the run.

    Raises:
        OSError: the disk is full or refuses.

    Example:
        >>> write_directions(".", StoredDirections(("feature",), np.eye(3)))
        >>> read_directions(".").names
        ('feature',)
    """
    attrs = {"names": json.dumps(directions.names), "labels": json.dumps(dict(directions.labels))}
    write_arrays(Path(run_dir) / DIRECTIONS, {"vectors": directions.vectors}, attrs)


def read_directions(run_dir: str | Path, sha256: str = "") -> StoredDirections:
    """The directions stored with the run.

    Args:
        run_dir: Directory of the run.
        sha256: Hash that they must have, as in run.json.

    Raises:
        LogError: there are none, or the file is damaged, foreign, of another format, or has another hash.

    Example:
        >>> write_directions(".", StoredDirections(("feature",), np.eye(3)))
        >>> read_directions(".").vectors.shape
        (3, 3)
    """
    path = Path(run_dir) / DIRECTIONS
    try:
        arrays, attrs = read_arrays(path)
        labels = {name: tuple(entries) for name, entries in json.loads(str(attrs["labels"])).items()}
        found = StoredDirections(tuple(json.loads(str(attrs["names"]))), arrays["vectors"], labels)
    except FileNotFoundError as error:
        raise missing_directions(Path(run_dir)) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise refusal(path, f"expected directions, got {type(error).__name__}: {error}") from error
    if sha256 and found.sha256 != sha256:
        raise refusal(path, f"expected directions of hash {sha256:.8}, as run.json says, got {found.sha256:.8}")
    return found


def missing_directions(run_dir: Path) -> LogError:
    """The error about directions that were not stored."""
    return LogError(f"expected directions in `{run_dir}`, got a run that was recorded without them")
