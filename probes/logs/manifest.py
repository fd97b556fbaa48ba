"""What a run is, and what is recorded of it: the file run.json."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from probes.errors import RunError
from probes.files.durable import read_whole, refusal, write_whole
from probes.log.layout import (
    MANIFEST,
    MOST_SERIES,
    RUN_ID,
    SCALARS,
    STEP,
    Series,
    axis_names,
    check_format,
    format_of,
)
from probes.schedules import Schedule, parse

__all__ = ["Manifest", "read_manifest", "write_manifest"]

_MOST_BYTES = 2**23  # of a run.json
_MOST_VALUES = 2**19  # in it, since JSON can take up twenty times its bytes in memory
_LAST = 2**63 - 1  # of all steps

# Type of a field -> what JSON makes of it, or leaves as it is.
_ACCEPTED: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), dict: (dict,), tuple: (list,)}


@dataclass(frozen=True)
class Manifest:
    """What a run is; `dataclasses.replace` makes a changed one.

    Raises:
        ValueError: ``run_id`` is no plain name, two series, or a series and an axis, have the same name, or what stands
            for a schedule is none.

    Example:
        >>> Manifest("seed-0", (Series("loss", (), ()),), role="single", seeds={"init": 0}).status
        'recording'
    """

    run_id: str
    series: tuple[Series, ...]
    schedule: str = "every(1)"
    role: str = ""  # in the theory study "single", "distilled", "self_distilled" or "average"
    variant: str = ""  # of the role
    parents: tuple[str, ...] = ()  # run_ids of the teachers
    name: str = ""  # what people call the run, where that is not its run_id
    continues: str = ""  # run_id whose final weights this run started from
    networks: int = 1  # that were trained together as one, which the run records as their ensemble
    seeds: Mapping[str, int] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)  # nested, only what JSON can hold
    study: str = ""  # hash of the study's specification
    status: str = "recording"  # then "finished", "diverged", "interrupted" or "failed"
    reason: str = ""  # one line, for a run that did not finish
    attempts: tuple[int, ...] = ()  # for each time the run was resumed, the last step that it kept; -1 = none
    created: str = ""  # ISO 8601, UTC
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    directions: str = ""  # sha256 of the stored directions
    format_version: int = 1  # as the series need it
    wall_seconds: float = 0.0
    recording_seconds: float = 0.0  # of these, what recording took from the training
    batches: Mapping[str, Any] = field(default_factory=dict)  # probe batches by name: hash, sizes, sample ids

    def __post_init__(self) -> None:
        _check_count(self.series)
        if not RUN_ID.fullmatch(self.run_id):
            raise ValueError(f"expected `run_id` of letters, digits, `.`, `_` and `-`, got {self.run_id!r}")
        axes = axis_names(self.series)
        own = [axes[one.name, STEP] for one in self.series if one.schedule]
        others = {name for (_, dim), name in axes.items() if dim != STEP}
        names = [STEP, SCALARS, *own, *others, *(one.name for one in self.series)]
        if len(set(names)) < len(names):
            raise ValueError(f"expected series named unlike each other, an axis, `step` and `scalars`, got {names[2:]}")
        object.__setattr__(self, "format_version", format_of(self.series))
        _ = self.schedules

    @cached_property
    def schedules(self) -> Mapping[str, Schedule]:
        """Which steps have a row of each series, by name, and of the run as ``""``; empty where all rows are of all."""
        if not any(one.schedule for one in self.series):
            return {}
        return {"": parse(self.schedule)} | {one.name: parse(one.schedule or self.schedule) for one in self.series}

    def last_of(self, attempt: int) -> int:
        """The last step that counts of those an attempt records: later ones take its place from there on."""
        return min(self.attempts[attempt:], default=_LAST)

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON can hold it."""
        return asdict(self) | {"series": tuple(one.to_json() for one in self.series)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The manifest that `to_json` wrote; a KeyError, TypeError, ValueError or AttributeError if it is none."""
        known = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        for name, default in vars(cls("any", ())).items():
            if name in known and not isinstance(known[name], _ACCEPTED[type(default)]):
                raise TypeError(f"expected `{name}` to be a {type(default).__name__}, got {known[name]!r}")
        if "networks" not in data:  # older: a recipe's run has a seed of initialisation for each of its networks
            known["networks"] = max(1, sum(str(seed).startswith("init-") for seed in data.get("seeds", ())))
        _check_count(data["series"])
        known["series"] = tuple(Series.from_json(one) for one in data["series"])
        known["parents"] = tuple(map(str, data.get("parents", ())))
        known["attempts"] = tuple(map(int, data.get("attempts", ())))
        return cls(**known)


def read_manifest(run_dir: str | Path) -> Manifest:
    """What the run in a directory is.

    Raises:
        RunError: there is no run.
        LogError: its run.json is damaged or of a newer format.

    Example:
        >>> write_manifest(Path(), Manifest("seed-0", ()))
        >>> read_manifest(".").run_id
        'seed-0'
    """
    path = Path(run_dir) / MANIFEST
    try:
        return parsed(path, read_whole(path, most=_MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(f"expected a run at `{run_dir}`, got no {MANIFEST} in it; name a recorded run") from error


def parsed(path: Path, text: bytes) -> Manifest:
    """The manifest in a text that a file holds; a LogError if it is damaged or of a newer format."""
    try:
        _check_size(text)
        data = json.loads(text)
        check_format(path, data["format_version"])
        checksum = data.pop("checksum", None)
        if checksum not in {None, _checksum(data)}:  # there was none at first
            raise ValueError("a text that was changed since it was written")
        return Manifest.from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise refusal(path, f"expected a run's description, got {type(error).__name__}: {error}") from error


def write_manifest(run_dir: str | Path, manifest: Manifest) -> None:
    """Write run.json whole, in place of the one before.

    Raises:
        OSError: the disk is full or refuses.
        TypeError: the recipe holds what JSON cannot.
        ValueError: it would be larger than what is read.

    Example:
        >>> write_manifest(".", Manifest("seed-0", ()))
        >>> Path("run.json").read_text().splitlines()[1]
        '  "run_id": "seed-0",'
    """
    write_whole(Path(run_dir) / MANIFEST, described(manifest))


def described(manifest: Manifest) -> bytes:
    """The text of run.json."""
    data = json.loads(json.dumps(manifest.to_json()))  # as it will be read: a key that was a number is a text
    text = json.dumps({**data, "checksum": _checksum(data)}, indent=2).encode() + b"\n"
    _check_size(text)  # whoever wrote it could not be read
    return text


def _check_count(series: Sequence[object]) -> None:
    if len(series) > MOST_SERIES:
        raise ValueError(f"expected at most {MOST_SERIES} series, got {len(series)}")


def _check_size(text: bytes) -> None:
    values = sum(map(text.count, (b",", b"[", b"{")))
    if len(text) > _MOST_BYTES or values > _MOST_VALUES:
        limits = f"{_MOST_VALUES} values and {_MOST_BYTES} bytes"
        raise ValueError(f"expected at most {limits} in {MANIFEST}, got {values} and {len(text)}; record fewer series")


def _checksum(data: Mapping[str, Any]) -> int:
    """CRC-32 of all the rest, however it is spaced and ordered."""
    return zlib.crc32(json.dumps(data, sort_keys=True).encode())
