"""Sweeps of studies on Gaussian inputs: setting by setting, what ensembles gain and how much less they vary."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from probes.analysis.intervals import Estimate, mean_of, weighted_sum
from probes.analysis.study import Study, open_study
from probes.analysis.sweeps.maps import varied
from probes.analysis.sweeps.table import axes_of, sweep_table
from probes.analysis.theory.inputs.inputs import COLUMNS, NO_GAIN, inputs, is_inputs
from probes.errors import LogError, ProbesError

__all__ = ["inputs_map", "is_inputs_sweep", "over_seeds", "settings_of"]

_MEASURES = (
    ("error", "error_low", "error_high"),
    ("gain", "gain_low", "gain_high"),
    ("variance_ratio", "ratio_low", "ratio_high"),
)
_LEARNER = ["learner", "networks"]
_SPREAD = 3  # seeds from which on their spread means something
_TEACHER, _LEARNING = "data.teacher", "network.kind"
_ABSENT = {"data.label_noise": (0,), "data.margin": (0,)}  # a setting's name leaves out what it has none of
_SHORT = {"data.label_noise": "label noise", "data.margin": "margin", "training.weight_decay": "weight decay"}


def is_inputs_sweep(root: str | Path) -> bool:
    """Return whether the first finished point of a sweep is a study on Gaussian inputs.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    table = sweep_table(root)
    done = table[table["status"] == "finished"]

    return bool(len(done)) and is_inputs(open_study(Path(root) / str(done["path"].iloc[0])))


def inputs_map(root: str | Path) -> pd.DataFrame:
    """Return the rows of `inputs` of every finished point, with the values that the sweep varies.

    Columns: point, one for each recipe key that is varied, seed, and those of `inputs`. ``attrs["left_out"]`` has
    the reason for each point that could not be measured.

    Args:
        root: The sweep's folder.

    Raises:
        LogError: the folder holds no table of a sweep.
    """
    table = sweep_table(root)
    keys, left_out, parts = axes_of(table), {}, []
    for point in table.to_dict("records"):
        try:
            study = _study(Path(root), point)
            values = {key: _value(study.logs[0].manifest.recipe, key) for key in keys}
            parts.append(inputs(study).assign(point=point["point"], seed=point["seed"], **values))
        except ProbesError as error:
            left_out[str(point["point"])] = str(error)

    columns = ["point", *keys, "seed", *COLUMNS]
    frame = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    frame.attrs["left_out"] = left_out
    return frame


def over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (setting, learner): means over seeds, which draw teacher, inputs and networks anew.

    Intervals are Student's t over three seeds or more; of fewer, their own put together. Columns: setting (its values
    in words), one for each key that is varied, learner, networks, the three measures with their intervals, and seeds.

    Args:
        frame: Table of `inputs_map`.

    Example:
        >>> row = {"data.teacher": "linear", "seed": 0, "learner": "single", "networks": 1, "count": 10, "n": 5000}
        >>> measured = {name: 0.4 for measure in _MEASURES for name in measure}
        >>> frame = pd.DataFrame([row | measured, row | measured | {"data.teacher": "residual"}])
        >>> over_seeds(frame)[["setting", "error", "seeds"]].values.tolist()
        [['linear', 0.4, 1], ['residual', 0.4, 1]]
    """
    keys = varied(frame.drop(columns=[name for name in (*COLUMNS, "point") if name in frame]))
    by = [*keys, *_LEARNER]
    rows: list[dict[str, Any]] = []
    for _, group in frame.groupby(by, sort=False):
        shared = {name: group[name].iloc[0] for name in by}
        rows.append({"setting": _named(shared, keys), **shared, **_pooled(group), "seeds": group["seed"].nunique()})

    return pd.DataFrame(rows)


def settings_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per setting: errors side by side, what the largest ensemble gains, and whether that is none.

    Columns: the keys that are varied, single, ensemble and average (test errors), gain with its interval,
    variance_ratio (of ensembles of M), none (the gain is at most one point, or its interval contains 0).

    Args:
        frame: Table of `over_seeds`.

    Example:
        >>> row = {"setting": "all", "networks": 5, "gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}
        >>> rows = [row | {"learner": name, "error": 0.4, "variance_ratio": 0.2} for name in ("single", "ensemble")]
        >>> settings_of(pd.DataFrame(rows))["none"].tolist()
        [False]
    """
    learners = ("setting", *_LEARNER, "seeds", *(name for measure in _MEASURES for name in measure))
    keys = [str(name) for name in frame.columns if name not in learners]

    return pd.DataFrame([_setting(part, keys) for _, part in frame.groupby("setting", sort=False)])


def _setting(part: pd.DataFrame, keys: Sequence[str]) -> dict[str, Any]:
    ensembles = part[part["learner"] == "ensemble"].sort_values("networks")
    smaller, best = ensembles.iloc[0], ensembles.iloc[-1]
    errors = part.drop_duplicates("learner", keep="last").set_index("learner")["error"]
    none = abs(best["gain"]) <= NO_GAIN or best["gain_low"] <= 0 <= best["gain_high"]

    return {
        **{key: best[key] for key in keys},
        **{learner: errors.get(learner) for learner in ("single", "ensemble", "average")},
        **{name: best[name] for name in _MEASURES[1]},
        "variance_ratio": smaller["variance_ratio"],
        "none": bool(none),
    }


def _study(root: Path, point: Mapping[Any, Any]) -> Study:
    if point["status"] != "finished":
        raise LogError(str(point["error"] or point["status"]))

    return open_study(root / str(point["path"]))


def _value(recipe: Mapping[str, Any], key: str) -> Any:
    """Return a recipe's value under a dotted key: a case that does not name it has the base's."""
    section, _, name = key.partition(".")

    return recipe.get(section, {}).get(name)


def _pooled(group: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure in _MEASURES:
        rows = group[list(measure)].dropna().to_numpy(dtype=float)
        estimates = [Estimate(value, low, high, 1) for value, low, high in rows.tolist()]
        if estimates:
            few = len(estimates) < _SPREAD
            mean = weighted_sum(estimates, [1 / len(estimates)] * len(estimates)) if few else mean_of(estimates)
            found |= dict(zip(measure, mean, strict=False))
    return dict.fromkeys([name for measure in _MEASURES for name in measure], float("nan")) | found


def _named(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Return a setting in words: teacher and learner, other kinds, numbers with their names."""
    return ", ".join(_words(row, keys)) or "all"


def _words(row: Mapping[str, Any], keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if key == _TEACHER and _LEARNING in keys:
            yield f"{row[key]} \N{RIGHTWARDS ARROW} {row[_LEARNING]}".replace("_", " ")
        elif isinstance(row[key], str) and not (key == _LEARNING and _TEACHER in keys):
            yield row[key].replace("_", " ")
        elif row[key] not in _ABSENT.get(key, ()) and not isinstance(row[key], str):
            yield f"{_SHORT.get(key, key.split('.')[-1])} {row[key]:g}"
