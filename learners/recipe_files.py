"""Recipe files: the built-in recipes, a user's own TOML, and single values changed from the command line.

A built-in recipe is a commented file in ``presets/``; a user's own is any TOML file of the same keys, where a key that
is left out keeps its default.
"""

import difflib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from probes.learners.gaussian_recipes import GaussianRecipe
from probes.learners.multiview import MultiView
from probes.learners.naming import named_by
from probes.learners.recipes import Recipe
from probes.learners.two_class import TwoClass

__all__ = [
    "AnyRecipe",
    "as_mapping",
    "built_in",
    "built_in_text",
    "from_mapping",
    "load",
    "names",
    "override",
    "parse",
    "to_toml",
]

AnyRecipe = Recipe | GaussianRecipe

KINDS: dict[str, type] = {"multi_view": MultiView, "two_class": TwoClass}
GAUSSIAN = "teacher_labels"  # the kind of data that makes a recipe a `GaussianRecipe`


def names() -> list[str]:
    """Return the names of the built-in recipes.

    Example:
        >>> [name for name in names() if name.startswith("theory")]
        ['theory', 'theory-gaussian', 'theory-strict']
    """
    return sorted(path.name.removesuffix(".toml") for path in _presets().iterdir() if path.name.endswith(".toml"))


def built_in(name: str) -> AnyRecipe:
    """Return a built-in recipe.

    Args:
        name: One of `names`.

    Raises:
        ValueError: If there is no such recipe; the text names the nearest ones.

    Example:
        >>> built_in("tiny").data.classes
        6
    """
    return parse(built_in_text(name))


def built_in_text(name: str) -> str:
    """Return a built-in recipe as its commented TOML.

    Args:
        name: One of `names`.

    Raises:
        ValueError: If there is no such recipe; the text names the nearest ones.

    Example:
        >>> built_in_text("tiny").splitlines()[1]
        'name = "tiny"'
    """
    if name not in names():
        raise ValueError(f"unknown recipe `{name}`: expected {_nearest(name, names())}, or a TOML file")

    return (_presets() / f"{name}.toml").read_text(encoding="utf-8")


def load(name_or_file: str | Path) -> AnyRecipe:
    r"""Return a built-in recipe by name, or a user's own from a TOML file.

    Args:
        name_or_file: A name, or the path of a file.

    Raises:
        ValueError: If there is neither, or the file does not hold a recipe.

    Example:
        >>> _ = Path("mine.toml").write_text("[network]\nneurons = 9")
        >>> load("mine.toml").network.neurons, load("tiny").network.neurons
        (9, 4)
    """
    path = Path(name_or_file)
    if not path.is_file():
        return built_in(str(name_or_file))

    try:
        return parse(path.read_text(encoding="utf-8-sig"))  # editors of Windows begin a file with a mark
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse(text: str) -> AnyRecipe:
    r"""Return the recipe that a TOML text holds; keys left out keep their defaults.

    Args:
        text: TOML.

    Raises:
        ValueError: If the text is not TOML, or holds an unknown key or an impossible value.

    Example:
        >>> parse("[network]\nneurons = 8").network.neurons
        8
        >>> parse("[network]\nneuron = 8")
        Traceback (most recent call last):
        ...
        ValueError: unknown key `network.neuron`: expected neurons, q, threshold, init_scale, kind (nearest: neurons)
    """
    return from_mapping(tomllib.loads(text))


def override(recipe: AnyRecipe, settings: Mapping[str, str]) -> AnyRecipe:
    """Return the recipe with some values changed.

    Args:
        recipe: The recipe to start from.
        settings: Dotted key to value in TOML notation; a text that is no TOML value counts as a string.

    Raises:
        ValueError: If a key is unknown or a value impossible.

    Example:
        >>> override(built_in("tiny"), {"data.sparsity": "2.5"}).data.sparsity
        2.5
    """
    values = as_mapping(recipe, whole=True)
    for key, text in settings.items():
        *tables, last = key.split(".")
        table = values
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise ValueError(f"unknown key `{key}`: `{name}` is a value, not a table")
        table[last] = _from_text(text)

    return from_mapping(values)


def as_mapping(recipe: AnyRecipe, *, whole: bool = False) -> dict[str, Any]:
    """Return the recipe as nested dictionaries of plain values, as TOML and JSON hold it.

    Args:
        recipe: Any recipe.
        whole: Whether keys that were added to recipes later are there at their defaults, too. Without them a run keeps
            the name that its specification gave it before.

    Example:
        >>> as_mapping(built_in("tiny"))["data"]["kind"]
        'multi_view'
        >>> [list(as_mapping(built_in("tiny"), whole=whole)["training"])[-1] for whole in (False, True)]
        ['average_scale', 'eps']
    """
    values = asdict(recipe, dict_factory=lambda pairs: {key: _plain(value) for key, value in pairs})
    if not whole:
        values = named_by(recipe, values)
    if isinstance(recipe, GaussianRecipe):
        return values

    kind = next(name for name, cls in KINDS.items() if isinstance(recipe.data, cls))
    return {**values, "data": {"kind": kind, **values["data"]}}


def from_mapping(values: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe that nested dictionaries hold, as `as_mapping` gives them.

    Args:
        values: Tables and keys; those left out keep their defaults.

    Raises:
        ValueError: If a key is unknown or a value impossible.

    Example:
        >>> from_mapping({"network": {"neurons": 9}}).network.neurons
        9
    """
    data = values.get("data")
    is_gaussian = isinstance(data, Mapping) and data.get("kind") == GAUSSIAN
    recipe: AnyRecipe = _build(GaussianRecipe if is_gaussian else Recipe, values, "")

    return recipe


def to_toml(recipe: AnyRecipe) -> str:
    """Return the recipe as TOML, every key written out.

    Args:
        recipe: Any recipe.

    Example:
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


def _build(cls: type, values: Mapping[str, Any], where: str) -> Any:
    """Build a dataclass from a table, its sub-tables included; refuse what it does not know."""
    hints = get_type_hints(cls)
    known = [item.name for item in fields(cls)]
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ValueError(f"unknown key `{where}{unknown[0]}`: expected {_nearest(unknown[0], known)}")

    return cls(**{key: _value(hints[key], value, f"{where}{key}") for key, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """Turn a TOML value into what a field holds; refuse another type."""
    if isinstance(value, Mapping):
        return _table(hint, value, where)
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


def _table(hint: Any, value: Mapping[str, Any], where: str) -> Any:
    if get_origin(hint) is UnionType:
        kind = value.get("kind", "multi_view")
        if kind not in [*KINDS]:  # a list, as what a file says need not have a hash
            raise ValueError(f"unknown `{where}.kind` {kind!r}: expected {_nearest(str(kind), [*KINDS, GAUSSIAN])}")
        return _build(KINDS[kind], {key: item for key, item in value.items() if key != "kind"}, f"{where}.")
    if not is_dataclass(hint) or not isinstance(hint, type):
        raise ValueError(f"expected `{where}` to be a value, got a table")
    return _build(hint, value, f"{where}.")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _from_text(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _to_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_to_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value).lower()


def _nearest(name: str, known: list[str]) -> str:
    """Return the known names, and which of them come nearest."""
    near = difflib.get_close_matches(name, known)

    return ", ".join(known) + (f" (nearest: {', '.join(near)})" if near else "")


def _presets() -> Traversable:
    return resources.files("probes.learners") / "presets"
