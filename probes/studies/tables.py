"""Frozen dataclasses of plain values as tables of TOML, and back; what fits no field is refused by its dotted key.

A section of a recipe is such a dataclass. Where its field is a union of several, each has a field ``kind``, whose
default is the name by which a table chooses it; without one the first is meant.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from probes.learners.naming import named_by

__all__ = ["as_mapping", "built", "nearest", "to_toml"]


def as_mapping(recipe: Any, *, whole: bool = False) -> dict[str, Any]:
    """Return a recipe as nested dictionaries of plain values, as TOML and JSON hold it.

    Args:
        recipe: Any recipe.
        whole: Whether keys that were added to recipes later are there at their defaults, too. Without them a run keeps
            the name that its specification gave it before.

    Example:
        >>> from probes.studies.recipe_files import built_in
        >>> as_mapping(built_in("tiny"))["data"]["kind"]
        'multi_view'
        >>> [list(as_mapping(built_in("tiny"), whole=whole)["training"])[-1] for whole in (False, True)]
        ['average_scale', 'eps']
    """
    values: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))  # tuples as lists

    return values if whole else named_by(recipe, values)


def to_toml(recipe: Any) -> str:
    """Return the recipe as TOML, every key written out.

    Args:
        recipe: Any recipe.

    Example:
        >>> from probes.studies.recipe_files import built_in, parse
        >>> parse(to_toml(built_in("theory"))) == built_in("theory")
        True
    """
    values = as_mapping(recipe, whole=True)
    tables = {name: table for name, table in values.items() if isinstance(table, dict)}
    top = [f"{name} = {_to_text(value)}" for name, value in values.items() if name not in tables]
    parts = [
        "\n".join([f"[{name}]", *(f"{key} = {_to_text(value)}" for key, value in table.items())])
        for name, table in tables.items()
    ]

    return "\n\n".join(["\n".join(top), *parts]) + "\n"


def built(hint: Any, values: Mapping[str, Any], where: str = "") -> Any:
    """Return a dataclass with the values of a table, its sub-tables included; keys left out keep their defaults.

    Args:
        hint: The dataclass, or a union of several, of which ``kind`` chooses one.
        values: Tables and keys.
        where: Prefix of its keys in messages.

    Raises:
        ValueError: A key is unknown, or a value impossible.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Paint:
        ...     litres: float = 3.0
        >>> built(Paint, {"litres": 5})
        Paint(litres=5.0)
    """
    members = {member.kind: member for member in get_args(hint)} if get_origin(hint) is UnionType else {}
    kind = values.get("kind", next(iter(members), ""))
    if members and kind not in [*members]:  # a list, as what a file says need not have a hash
        raise ValueError(f"unknown `{where}kind` {kind!r}: expected {nearest(str(kind), [*members])}")
    cls = members[kind] if members else hint
    if not isinstance(cls, type) or not is_dataclass(cls):
        raise ValueError(f"expected `{where.removesuffix('.')}` to be a value, got a table")

    hints, known = get_type_hints(cls), [item.name for item in fields(cls)]
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ValueError(f"unknown key `{where}{unknown[0]}`: expected {nearest(unknown[0], known)}")

    return cls(**{key: _value(hints[key], value, f"{where}{key}") for key, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """Turn a TOML value into what a field holds; refuse another type."""
    if isinstance(value, Mapping):
        return built(hint, value, f"{where}.")
    if is_dataclass(hint) or get_origin(hint) is UnionType:
        raise ValueError(f"expected `{where}` to be a table, got {value!r}")
    if get_origin(hint) is tuple:
        return _sequence(get_args(hint), value, where)
    if hint is float and type(value) is int:
        return float(value)
    plain = str if get_origin(hint) is Literal else hint
    if plain in (int, float, str) and type(value) is not plain:
        raise ValueError(f"expected `{where}` of type {plain.__name__}, got {value!r}")
    if plain is float and not math.isfinite(value):
        raise ValueError(f"expected `{where}` to be finite, got {value}")
    return value


def _sequence(hints: tuple[Any, ...], values: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise ValueError(f"expected `{where}` of type list, got {values!r}")
    if Ellipsis not in hints and len(values) != len(hints):
        raise ValueError(f"expected `{where}` as {len(hints)} values, got {list(values)}")
    return tuple(_value(hints[0], value, where) for value in values)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the known names, and which of them come nearest.

    Example:
        >>> nearest("neuron", ["neurons", "steps"])
        'neurons, steps (nearest: neurons)'
    """
    near = difflib.get_close_matches(name, known)

    return ", ".join(known) + (f" (nearest: {', '.join(near)})" if near else "")


def _to_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_to_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value).lower()
