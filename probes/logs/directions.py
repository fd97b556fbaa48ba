"""The directions that a run's series were taken with, as they are kept with it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.errors import LogError, NotRecordedError
from probes.files.durable import refusal
from probes.log.hdf5.arrays import read_arrays, write_arrays
from probes.log.layout import DIRECTIONS, Series

__all__ = ["StoredDirections", "read_directions", "write_directions"]


@dataclass(frozen=True, eq=False)
class StoredDirections:
    """Directions with a name for every axis but the last, which is ``dim``.

    Raises:
        ValueError: there is not one name for every axis but the last, or the component is no axis beside others.

    Example:
        >>> StoredDirections(("feature",), np.eye(3)).dims
        ('feature', 'dim')
    """

    names: tuple[str, ...]
    vectors: NDArray[Any]  # axes (*names, dim)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> what its entries are called
    facts: Mapping[str, str | float] = field(default_factory=dict)  # where they come from, if they were estimated
    component: str = ""  # the axis that spans one feature, as cosine and sine of a frequency do; empty if none does

    def __post_init__(self) -> None:
        if len(self.names) != self.vectors.ndim - 1:
            raise ValueError(f"expected a name for all but the last axis of {self.vectors.shape}, got {self.names}")
        if self.component and (self.component not in self.names or len(self.names) == 1):
            raise ValueError(f"expected as `component` one axis beside others, got {self.component!r} of {self.names}")

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``dim`` last."""
        return (*self.names, "dim")

    @property
    def sha256(self) -> str:
        """Hash of names, labels, shape, type and values, and of the component if there is one."""
        values = np.ascontiguousarray(self.vectors)
        component = [self.component] if self.component else []
        head = json.dumps([self.names, dict(self.labels), values.shape, values.dtype.str, *component])
        return hashlib.sha256(head.encode() + values.tobytes()).hexdigest()


Sets = Mapping[str, StoredDirections]  # series -> its directions


def hash_of(sets: Sets) -> str:
    """The hash that a manifest has of all directions; empty where there are none."""
    hashes = {name: directions.sha256 for name, directions in sorted(sets.items())}
    if len({*hashes.values()}) <= 1:
        return next(iter(hashes.values()), "")
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def by_series(directions: StoredDirections | Sets | None, series: Iterable[Series]) -> dict[str, StoredDirections]:
    """The directions of every series, where one set alone counts for all."""
    if isinstance(directions, StoredDirections):
        return dict.fromkeys((one.name for one in series), directions)
    return dict(directions or {})


def write_directions(run_dir: str | Path, sets: Sets) -> None:
    """Store the directions of every series with the run; those that several share are stored once.

    Raises:
        OSError: the disk is full or refuses.

    Example:
        >>> write_directions(".", {"weight": StoredDirections(("feature",), np.eye(3))})
        >>> read_directions(".")["weight"].names
        ('feature',)
    """
    different = {_identity(directions): directions for directions in sets.values()}
    facts = [
        {
            "series": [name for name, directions in sets.items() if _identity(directions) == identity],
            "names": directions.names,
            "labels": dict(directions.labels),
            "facts": dict(directions.facts),
        }
        | ({"component": directions.component} if directions.component else {})
        for identity, directions in different.items()
    ]
    arrays = {str(number): directions.vectors for number, directions in enumerate(different.values())}
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)  # an attribute would have to be small
    write_arrays(Path(run_dir) / DIRECTIONS, {"sets": text, **arrays}, {})


def read_directions(run_dir: str | Path, sha256: str = "") -> Sets:
    """The directions stored with the run, by series.

    Args:
        run_dir: Directory of the run.
        sha256: Hash that they must have, as in run.json.

    Raises:
        LogError: there are none, or the file is damaged, foreign, of another format, or has another hash.

    Example:
        >>> write_directions(".", {"weight": StoredDirections(("feature",), np.eye(3))})
        >>> read_directions(".")["weight"].vectors.shape
        (3, 3)
    """
    path = Path(run_dir) / DIRECTIONS
    try:
        arrays, _ = read_arrays(path)
        found: dict[str, StoredDirections] = {}
        for number, kept in enumerate(json.loads(arrays["sets"].tobytes())):
            names, component = tuple(kept["names"]), kept.get("component", "")
            labels = {name: tuple(entries) for name, entries in kept["labels"].items()}
            directions = StoredDirections(names, arrays[str(number)], labels, dict(kept["facts"]), component)
            found |= dict.fromkeys(kept["series"], directions)
    except FileNotFoundError as error:
        missing = missing_directions(Path(run_dir))
        raise LogError(str(missing)) if sha256 else missing from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise refusal(path, f"expected directions, got {type(error).__name__}: {error}") from error
    if sha256 and hash_of(found) != sha256:
        raise refusal(path, f"expected directions of hash {sha256:.8}, as run.json says, got {hash_of(found):.8}")
    return found


def _identity(directions: StoredDirections) -> str:
    return f"{directions.sha256} {json.dumps(dict(directions.facts), sort_keys=True)}"


def directions_of(sets: Sets, series: str | None, run_dir: Path) -> StoredDirections:
    """Those of a series; of a run whose series share their directions, nulls apart, also without naming one."""
    if not sets:
        raise missing_directions(run_dir)
    if series is not None and series in sets:
        return sets[series]
    given = {name: directions for name, directions in sets.items() if "null_of" not in directions.facts} or sets
    if series is None and len({directions.sha256 for directions in given.values()}) == 1:
        return next(iter(given.values()))
    wanted = "the series" if series is None else f"directions of `{series}`"
    raise NotRecordedError(
        f"expected {wanted}, one of {', '.join(sets)}, whose directions `{run_dir}` has; name one of them"
    )


def missing_directions(run_dir: Path) -> NotRecordedError:
    """The error about directions that were not stored."""
    return NotRecordedError(f"expected directions in `{run_dir}`, got a run that was recorded without them")
