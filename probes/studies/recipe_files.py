"""Recipe files: the built-in recipes, a user's own TOML, and single values changed from the command line.

A built-in recipe is a commented file in ``presets/``; a user's own is any TOML file of the same keys, where a key that
is left out keeps its default.
"""

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from probes.studies.experiment import AnyRecipe
from probes.studies.kinds import DEFAULT, KINDS
from probes.studies.tables import as_mapping, built, nearest

__all__ = ["built_in", "built_in_text", "from_mapping", "load", "names", "override", "parse"]

_PRESETS = resources.files("probes.learners") / "presets"


def names() -> list[str]:
    """Return the names of the built-in recipes.

    Example:
        >>> [name for name in names() if name.startswith("theory")]
        ['theory', 'theory-gaussian', 'theory-strict']
    """
    return sorted(path.name.removesuffix(".toml") for path in _PRESETS.iterdir() if path.name.endswith(".toml"))


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
        raise ValueError(f"unknown recipe `{name}`: expected {nearest(name, names())}, or a TOML file")

    return (_PRESETS / f"{name}.toml").read_text(encoding="utf-8")


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
        return from_mapping(tomllib.loads(built_in_text(str(name_or_file))))

    try:
        return from_mapping(
            tomllib.loads(path.read_text(encoding="utf-8-sig"))
        )  # editors of Windows mark its beginning
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
    data = values.get("data", {})
    kind = data.get("kind", DEFAULT) if isinstance(data, Mapping) else DEFAULT
    if kind not in [*KINDS]:  # a list, as what a file says need not have a hash
        raise ValueError(f"unknown `data.kind` {kind!r}: expected {nearest(str(kind), [*KINDS])}")
    recipe: AnyRecipe = built(KINDS[kind].recipe_type, values)

    return recipe


def _from_text(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
