"""The estimators that `--tap NAME=ESTIMATOR(FILE,...)` names, and their options; nothing is estimated here.

Neither torch nor numpy is loaded, which the program may want to set up first; so the options stand here a second time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from probes.errors import UsageError

__all__ = ["ESTIMATORS", "Estimator", "Setting", "parse_estimate"]

Setting = bool | int | float | str


@dataclass(frozen=True)
class Estimator:
    """What is typed for one estimator.

    Attributes:
        settings: Its options and their types.
        required: The option that has no default, if there is one.
        labelled: Whether it needs the class of each sample.
        samples: Whether it reads samples; else a network's weights.

    Example:
        >>> ESTIMATORS["dictionary"].required
        'features'
    """

    settings: Mapping[str, type]
    required: str = ""
    labelled: bool = False
    samples: bool = True


ESTIMATORS: Mapping[str, Estimator] = {
    "class_means": Estimator({"contrast": str, "whiten": bool, "shrinkage": float, "seed": int}, labelled=True),
    "dictionary": Estimator(
        {"features": int, "penalty": float, "positive": bool, "starts": int, "most": int, "seed": int}, "features"
    ),
    "linear_probes": Estimator({"penalty": float, "most": int, "seed": int}, labelled=True),
    "nonnegative_parts": Estimator({"features": int, "most": int, "seed": int}, "features"),
    "patch_components": Estimator({"components": int, "centre": bool, "seed": int}, "components"),
    "reference_weights": Estimator({"name": str, "axes": int, "again": str}, samples=False),
}
_WORDS = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
_TRUTH = {"true": True, "false": False}


def parse_estimate(name: str, inside: str, option: str) -> tuple[Path, dict[str, Setting]]:
    """The file and the settings of an estimate.

    Args:
        name: The estimator's.
        inside: What stands in its brackets.
        option: The option as it was typed, for the error message.

    Raises:
        UsageError: there is no such estimator, or a setting is none of its own, or has a value of another type.

    Example:
        >>> parse_estimate("dictionary", "data.npz,features=16", "--tap fc.weight=dictionary(data.npz,features=16)")
        (PosixPath('data.npz'), {'features': 16})
    """
    if name not in ESTIMATORS:
        raise UsageError(f"expected in `{option}` an estimator of {', '.join(ESTIMATORS)}, got `{name}`")
    estimator = ESTIMATORS[name]
    file, *given = re.split(r",\s*(?=\w+=)", inside.strip())
    settings: dict[str, Setting] = {}
    for each in given:
        key, _, text = each.partition("=")
        kind = estimator.settings.get(key)
        if kind is None or key in settings:
            got = f"`{key}`" if kind is None else f"`{key}` twice"
            raise UsageError(f"expected in `{option}` settings of {', '.join(estimator.settings)}, got {got}")
        settings[key] = _value(kind, key, text.strip(), option)

    missing = estimator.required and estimator.required not in settings
    if missing or not file:
        example = f"{name}({file or 'data.npz'}{f',{estimator.required}=8' if estimator.required else ''})"
        raise UsageError(f"expected in `{option}` {'the number of directions' if file else 'a file'}, as in {example}")
    return Path(file), settings


def _value(kind: type, key: str, text: str, option: str) -> Setting:
    try:
        value: Setting = _TRUTH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        raise UsageError(f"expected in `{option}` {_WORDS[kind]} for `{key}`, got `{text}`") from error
    return value
