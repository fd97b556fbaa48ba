"""Studies side by side: what their recipes differ in, and their claims, means and errors by setting.

A setting is a study under a name of its own, such as its folder's. Every function takes what is there for each setting
and returns one tidy table with the column `setting`; a result of one study is never mixed with another's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from probes.analysis.theory.expectations import EXPECTATIONS
from probes.errors import LogError
from probes.log.protocol import LogLike

__all__ = ["beside", "claims_beside", "recipe_of", "recipes_beside"]


def beside(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all tables, one setting after the other, the column `setting` first.

    Args:
        tables: A table of the same columns for every setting.

    Example:
        >>> beside({"a": pd.DataFrame({"runs": [3]}), "b": pd.DataFrame({"runs": [4]})}).values.tolist()
        [['a', 3], ['b', 4]]
    """
    parts = [table.assign(setting=setting) for setting, table in tables.items() if len(table)]
    columns = next((list(table.columns) for table in tables.values()), [])
    if not parts:
        return pd.DataFrame(columns=["setting", *columns])

    return pd.concat(parts, ignore_index=True)[["setting", *columns]]


def claims_beside(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of `claims` as one, claim by claim, in the order of the claims and then of the settings.

    Args:
        tables: Table of `claims` for every setting.

    Example:
        >>> from probes.analysis.theory import claims, example_study
        >>> rows = claims(example_study()).head(2)
        >>> claims_beside({"a": rows, "b": rows})[["setting", "claim"]].values.tolist()[:2]
        [['a', 'single.train_error'], ['b', 'single.train_error']]
    """
    table = beside(tables)
    keys = pd.Series(list(zip(table["claim"], table["variant"], strict=True)), dtype=object)
    claims = list(EXPECTATIONS)
    order = sorted(keys.unique(), key=lambda key: claims.index(key[0]))

    return table.iloc[keys.map(order.index).argsort(kind="stable")].reset_index(drop=True)


def recipes_beside(recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per key in which the recipes differ, with a column for every setting; "" where one lacks the key.

    Args:
        recipes: The recipe of every setting.

    Example:
        >>> recipes_beside({"a": {"data": {"mu": 0.1, "k": 3}}, "b": {"data": {"mu": 0.2, "k": 3}}}).values.tolist()
        [['data.mu', '0.1', '0.2']]
    """
    flat = {setting: dict(_leaves(recipe)) for setting, recipe in recipes.items()}
    keys = dict.fromkeys(key for leaves in flat.values() for key in leaves)
    rows = [{"key": key, **{setting: leaves.get(key, "") for setting, leaves in flat.items()}} for key in keys]

    return pd.DataFrame(
        [row for row in rows if len({row[setting] for setting in recipes}) > 1], columns=["key", *recipes]
    )


def recipe_of(logs: Sequence[LogLike]) -> Mapping[str, Any]:
    """Return the recipe that the runs of a study share.

    Raises:
        LogError: two runs were recorded from different recipes.

    Example:
        >>> from probes.analysis.theory import example_study
        >>> sorted(recipe_of(example_study()))
        ['network', 'training']
    """
    found = [(log.label, log.manifest.recipe) for log in logs]

    for run, recipe in found[1:]:
        if recipe != found[0][1]:
            raise LogError(
                f"expected runs of one recipe, got two in `{found[0][0]}` and `{run}`; name the folder of each study"
            )
    return found[0][1] if found else {}


def _leaves(recipe: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in recipe.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{key}.")
        else:
            yield key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
