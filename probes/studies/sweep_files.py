"""Sweep files: TOML that names a base recipe, and which of its values take which others."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from probes.errors import UsageError
from probes.learners.streams import seed_of
from probes.schedules import Schedule, parse
from probes.studies.experiment import AnyRecipe
from probes.studies.kinds import experiment
from probes.studies.recipe_files import load, override
from probes.studies.record import NO_CLASSES
from probes.studies.sweep import DEFAULT_SCHEDULE, Sweep, changed, points_of
from probes.studies.tables import as_mapping

__all__ = ["is_sweep_file", "load_sweep"]

_TABLES = ("name", "base", "seeds", "set", "grid", "random", "cases", "record")
_MARKS = {"base", "grid", "random", "cases"}  # one of them makes a file a sweep: no recipe has it
_RECORD = {"schedule": str, "weights": bool, "taps": str}
_TAPS = ("full", "own_class")
_RANGE = {"low", "high", "log"}
_SIGNIFICANT = 6  # digits of a drawn number: enough, and its text says all of it


def is_sweep_file(path: str | Path) -> bool:
    """Return whether a path is a TOML file that holds a sweep.

    Example:
        >>> _ = Path("mine.toml").write_text("base = 'tiny'")
        >>> is_sweep_file("mine.toml"), is_sweep_file("tiny")
        (True, False)
    """
    file = Path(path)
    if file.suffix != ".toml" or not file.is_file():
        return False
    try:
        return not _MARKS.isdisjoint(tomllib.loads(file.read_text(encoding="utf-8-sig")))
    except ValueError:  # what reads recipes will say what is wrong with it
        return False


def load_sweep(
    path: str | Path, *, settings: Mapping[str, str] | None = None, schedule: Schedule | None = None
) -> Sweep:
    r"""Return the sweep that a TOML file holds.

    ``base`` is the name of a built-in recipe, or the path of a recipe's file, from the sweep's folder on; [set] changes
    some of its values. Then [grid] holds a list of values for every key, of which each combination is a point, or
    [random] a list, or ``{low, high, log}``, for every key, of which ``samples`` points are drawn by ``seed``.
    [[cases]] are tables of values that belong together; every combination is recorded of each. A range, for example
    ``data.missing_view``, may be given as one number for both its ends. ``seeds`` is a list, or how many, from 0 on.
    [record] says what is kept: ``schedule``, ``weights``, and ``taps``, "full" or "own_class", the correlations of each
    class with its own features alone, a k-th of the values.

    Args:
        path: The file.
        settings: Further changes of the base, key to value in TOML.
        schedule: Which steps are recorded, in place of what the file says.

    Raises:
        UsageError: If the file is not as described; the line says where.

    Example:
        >>> _ = Path("mine.toml").write_text("base = 'tiny'\nseeds = 2\n[grid]\nnetwork.q = [3, 4]\n")
        >>> [point.label for point in load_sweep("mine.toml").points]
        ['network.q=3 seed=0', 'network.q=3 seed=1', 'network.q=4 seed=0', 'network.q=4 seed=1']
    """
    file = Path(path)
    try:
        return _sweep(file, tomllib.loads(file.read_text(encoding="utf-8-sig")), settings or {}, schedule)
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error


def _sweep(file: Path, tables: Mapping[str, Any], settings: Mapping[str, str], schedule: Schedule | None) -> Sweep:
    unknown = [key for key in tables if key not in _TABLES]
    if unknown:
        raise ValueError(f"unknown key `{unknown[0]}`: expected {', '.join(_TABLES)}")
    base = _Base(override(changed(_base(file, tables.get("base")), _flat(tables, "set")), settings))
    record = {"schedule": str(DEFAULT_SCHEDULE), "weights": False, "taps": "full", **_checked(tables.get("record", {}))}
    kept: dict[str, Any] = {"schedule": schedule or parse(record["schedule"]), "weights": record["weights"]}
    kept["own_class"] = record["taps"] == "own_class"
    if kept["own_class"] and not experiment(base.recipe).has_own_class:
        raise ValueError(NO_CLASSES)

    points = points_of(base.recipe, _choices(base, tables), _seeds(tables.get("seeds", [base.recipe.seed])), **kept)
    return Sweep(str(tables.get("name", file.stem)), points, **kept)


def _base(file: Path, name: object) -> AnyRecipe:
    if not isinstance(name, str):
        raise ValueError(f"expected `base`, a recipe's name or file, got {name!r}")
    beside = file.parent / name

    return load(beside if beside.is_file() else name)


@dataclass(frozen=True)
class _Base:
    """The recipe that points start from, asked for single values."""

    recipe: AnyRecipe

    def at(self, key: str) -> Any:
        """Return its value under a dotted key, None where there is none."""
        value: Any = as_mapping(self.recipe, whole=True)
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def fitting(self, key: str, value: Any) -> Any:
        """Return a value as the recipe has it: a number for a range stands for both ends."""
        pair = isinstance(self.at(key), list) and len(self.at(key)) == 2
        return [value, value] if pair and type(value) in (int, float) else value


def _choices(base: _Base, tables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield recipe key to value, for every point but for its seed."""
    if "grid" in tables and "random" in tables:
        raise ValueError("expected [grid] or [random], got both: make two sweeps of them")
    cases = tables.get("cases", [{}])
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases) or not cases:
        raise ValueError("expected `cases` as tables, [[cases]], got something else")
    drawn = _drawn(base, _flat(tables, "random")) if "random" in tables else _grid(_flat(tables, "grid"))
    if drawn == [{}] and ("grid" in tables or not {"cases", "seeds"} & set(tables)):
        raise ValueError("expected `seeds`, or values in [grid], [random] or [[cases]], got none")

    for case, values in product([_flat({"case": case}, "case") for case in cases], drawn):
        chosen = {**case, **values}
        if "seed" in chosen:
            raise ValueError("expected the seeds under `seeds`, got a key `seed`")
        yield {key: base.fitting(key, value) for key, value in chosen.items()}


def _grid(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    for key, values in table.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"expected a list of values for `grid.{key}`, got {values!r}")

    return [dict(zip(table, values, strict=True)) for values in product(*table.values())]


def _drawn(base: _Base, table: Mapping[str, Any]) -> list[dict[str, Any]]:
    samples, seed = _whole(table.get("samples"), "random.samples", 1), _whole(table.get("seed", 0), "random.seed", 0)
    axes = {key: spec for key, spec in table.items() if key not in ("samples", "seed")}
    if not axes:
        raise ValueError("expected keys with {low, high} or lists in [random], got none")
    generator = np.random.default_rng(seed_of("settings", seed))

    return [{key: _draw(base, key, spec, generator) for key, spec in axes.items()} for _ in range(samples)]


def _draw(base: _Base, key: str, spec: Any, generator: np.random.Generator) -> Any:
    if isinstance(spec, list) and spec:
        return spec[generator.integers(len(spec))]
    low, high = _ends(key, spec)

    if spec.get("log"):
        value = math.exp(generator.uniform(math.log(low), math.log(high)))
    elif type(base.at(key)) is int:
        return int(generator.integers(int(low), int(high), endpoint=True))
    else:
        value = generator.uniform(low, high)
    return round(value) if type(base.at(key)) is int else float(f"{value:.{_SIGNIFICANT}g}")


def _ends(key: str, spec: Any) -> tuple[float, float]:
    ends = [spec.get("low"), spec.get("high")] if isinstance(spec, dict) else []
    numbers = [float(end) for end in ends if isinstance(end, int | float)]
    if len(numbers) < 2 or not numbers[0] < numbers[1] or set(spec) - _RANGE:
        raise ValueError(f"expected a list or {{low, high, log}} with low < high for `random.{key}`, got {spec!r}")
    if spec.get("log") and numbers[0] <= 0:
        raise ValueError(f"expected low > 0 with log in `random.{key}`, got {numbers[0]}")

    return numbers[0], numbers[1]


def _seeds(value: Any) -> Sequence[int]:
    seeds = list(range(value)) if type(value) is int else value
    if not isinstance(seeds, list) or not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise ValueError(f"expected `seeds` as a list of numbers >= 0, or how many, got {value!r}")

    return seeds


def _checked(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise ValueError(f"expected `record` to be a table, got {record!r}")
    for key, value in record.items():
        if key not in _RECORD:
            raise ValueError(f"unknown key `record.{key}`: expected {', '.join(_RECORD)}")
        if type(value) is not _RECORD[key]:
            raise ValueError(f"expected `record.{key}` of type {_RECORD[key].__name__}, got {value!r}")
    if record.get("taps", "full") not in _TAPS:
        raise ValueError(f"expected `record.taps` {' or '.join(_TAPS)}, got {record['taps']!r}")
    return record


def _whole(value: Any, key: str, least: int) -> int:
    if type(value) is not int or value < least:
        raise ValueError(f"expected `{key}` as a whole number >= {least}, got {value!r}")

    return value


def _flat(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a table's values by dotted key, however its keys were written; a range {low, high} is a value."""
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"expected `{name}` to be a table, got {table!r}")
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict) and not {"low", "high"} & set(value):
            found |= {f"{key}.{inner}": item for inner, item in _flat({key: value}, key).items()}
        else:
            found[key] = value
    return found
