"""The table of a sweep, sweep.csv: one row a point, with the values it takes and how its recording ended."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from probes.errors import LogError

__all__ = ["COLUMNS", "TABLE", "axes_of", "is_sweep", "points", "sweep_table", "written"]

TABLE = "sweep.csv"

# What every row has, beside a column for each key that the sweep varies, which stand after `point`.
COLUMNS = ("point", "seed", "status", "seconds", "diverged", "path", "error")


def is_sweep(root: str | Path) -> bool:
    """Return whether a folder holds a sweep.

    Example:
        >>> is_sweep("nowhere")
        False
    """
    return (Path(root) / TABLE).is_file()


def written(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> str:
    """Return the text of sweep.csv: numbers and words as they are, lists as JSON has them.

    Args:
        rows: A dictionary a point, with `COLUMNS` and the keys; what one lacks stays empty.
        keys: The recipe keys that the sweep varies.

    Example:
        >>> written([{"point": "0123", "seed": 0, "data.own": [1.0, 1.2]}], ["data.own"]).splitlines()[1]
        '0123,"[1.0, 1.2]",0,,,,,'
    """
    columns = [COLUMNS[0], *keys, *COLUMNS[1:]]
    plain = [
        {key: json.dumps(value) if isinstance(value, list) else value for key, value in row.items()} for row in rows
    ]

    return pd.DataFrame(plain, columns=columns).astype(object).to_csv(index=False, lineterminator="\n")


def sweep_table(root: str | Path) -> pd.DataFrame:
    """Return the table of a sweep: one row a point; a range is the mean of its ends.

    Columns: point, one for each recipe key that is varied, seed, status (finished, failed or waiting), seconds (wall
    time of the process that ended it), diverged (number of runs), path (from the folder on) and error.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: If the table is not there, or is none of a sweep.

    Example:
        >>> row = {"point": "01", "seed": 0, "data.own": [1.0, 1.5]}
        >>> _ = Path("sweep.csv").write_text(written([row], ["data.own"]))
        >>> sweep_table(".").loc[0, "data.own"].item()
        1.25
    """
    table = _read(root, {"point": str, "error": str, "path": str, "status": str})

    table[["status", "path", "error"]] = table[["status", "path", "error"]].fillna("")
    return table.assign(**{key: table[key].map(_middle) for key in axes_of(table)})


def axes_of(table: pd.DataFrame) -> list[str]:
    """Return the recipe keys that a sweep varies, in its order.

    Example:
        >>> axes_of(pd.DataFrame(columns=["point", "network.q", "seed", "status"]))
        ['network.q']
    """
    return [name for name in map(str, table.columns) if name not in COLUMNS]


def points(root: str | Path) -> dict[str, dict[str, Any]]:
    """Return the points of a sweep by their folder: its name, the values (recipe key to value) and the seed.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: If the table is not there, or is none of a sweep.

    Example:
        >>> row = {"point": "01", "seed": 3, "path": "01", "data.own": [1.0, 1.5]}
        >>> _ = Path("sweep.csv").write_text(written([row], ["data.own"]))
        >>> points(".")
        {'01': {'point': '01', 'values': {'data.own': [1.0, 1.5]}, 'seed': 3}}
    """
    table = _read(root, str)
    rows = table.fillna("").to_dict("records")

    return {
        row["path"]: {
            "point": row["point"],
            "values": {key: _value(row[key]) for key in axes_of(table) if row[key]},
            "seed": _value(row["seed"]),
        }
        for row in rows
    }


def _read(root: str | Path, dtype: Any) -> pd.DataFrame:
    path = Path(root) / TABLE
    try:
        table = pd.read_csv(path, dtype=dtype)
    except (OSError, ValueError) as error:
        raise LogError(f"expected the table of a sweep at {path}, got {error}: record the sweep again") from error
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise LogError(f"expected a column `{missing[0]}` in {path}, got {found}: record the sweep again")
    return table


def _value(cell: str) -> Any:
    """Return a recipe's value from its text: a number, a list, a truth value, or else a word."""
    try:
        return json.loads(cell.lower() if cell in {"True", "False"} else cell)
    except ValueError:
        return cell


def _middle(cell: Any) -> Any:
    """Return the mean of a range; anything else as it is."""
    if not (isinstance(cell, str) and cell.startswith("[")):
        return cell
    values = json.loads(cell)
    numbers = all(isinstance(value, int | float) for value in values) and len(values) == 2

    return sum(values) / 2 if numbers else cell
