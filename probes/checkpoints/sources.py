"""Where checkpoints lie, and the step of each: in its name, by a pattern, or in a table."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from probes.errors import UsageError

__all__ = ["Checkpoint", "find_checkpoints"]

# What a folder of a model holds, in the order in which Hugging Face's libraries look for it.
_IN_FOLDER = (
    "model.safetensors",
    "model.safetensors.index.json",
    "adapter_model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_SUFFIXES = (".safetensors", ".json", ".pt", ".pth", ".bin", ".ckpt")
_NAMED = re.compile(r"(?i:step|iter|iteration|checkpoint|ckpt)s?[-_=.]?(\d+)(?!.*(?i:step|iter|checkpoint|ckpt))")
_ADVICE = "state where it stands, as --step 'epoch_(\\d+)', or name a table of files and steps, as --step steps.csv"


@dataclass(frozen=True)
class Checkpoint:
    """Weights of a training at one of its steps.

    Attributes:
        step: Updates that the weights had seen.
        path: A file of weights, or the index of several.

    Example:
        >>> Checkpoint(1000, Path("step1000.pt")).step
        1000
    """

    step: int
    path: Path


def find_checkpoints(patterns: Iterable[str], steps: str = "") -> list[Checkpoint]:
    """Return the checkpoints that paths and globs name, in the order of their steps.

    Args:
        patterns: Files of weights, indices of sharded ones, folders of a model, and globs of any of them.
        steps: Where the step stands: a regular expression with one group, searched in the path; or a CSV file with
            columns ``file``, as found from the folder of the table, and ``step``. Default: the number after ``step``,
            ``iter``, ``checkpoint`` or ``ckpt`` in the last part of the path that has one, or a name that is a number.

    Raises:
        UsageError: nothing is found, a folder holds no weights, a step cannot be told, or two are the same.

    Example:
        >>> for step in (20, 100, 3):
        ...     Path(f"model-step{step}.pt").touch()
        >>> [(found.step, found.path.name) for found in find_checkpoints(["model-step*.pt"])]
        [(3, 'model-step3.pt'), (20, 'model-step20.pt'), (100, 'model-step100.pt')]
    """
    typed = [path for pattern in patterns for path in _matching(pattern)]
    step_of = _by_table(Path(steps)) if steps.endswith(".csv") else _by_name(steps)
    found = sorted((Checkpoint(step_of(path), _weights_in(path)) for path in typed), key=lambda one: one.step)
    twice = next((step for step, count in Counter(one.step for one in found).items() if count > 1), None)
    if twice is not None:
        both = " and ".join(str(one.path) for one in found if one.step == twice)
        raise UsageError(f"expected one checkpoint of step {twice}, got {both}; {_ADVICE}")
    return found


def _matching(pattern: str) -> list[Path]:
    found = [Path(pattern)] if Path(pattern).exists() else sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207
    if not found:
        raise UsageError(f"expected checkpoints at `{pattern}`, got none")
    return found


def _weights_in(path: Path) -> Path:
    """The file that leads to the weights."""
    if path.is_dir():
        inside = next((path / name for name in _IN_FOLDER if (path / name).is_file()), None)
        if inside is None:
            raise UsageError(f"expected weights in `{path}`, one of {', '.join(_IN_FOLDER)}, got none")
        return inside
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"expected a file of weights ({', '.join(_SUFFIXES)}), got `{path}`")
    return path


def _by_name(pattern: str) -> Callable[[Path], int]:
    """What finds the step in a path, where a pattern says."""
    try:
        stated = re.compile(pattern) if pattern else None
    except re.error as error:
        raise UsageError(f"expected a regular expression as --step, got `{pattern}`: {error}") from error
    if stated is not None and stated.groups != 1:
        raise UsageError(f"expected one group in --step, as in 'epoch_(\\d+)', got `{pattern}`")

    def step_of(path: Path) -> int:
        found = stated.search(str(path)) if stated else _named(path)
        if found is None or not (found[1] or "").isdecimal():
            raise UsageError(f"expected the step in the name of `{path}`, got none; {_ADVICE}")
        return int(found[1])

    return step_of


def _named(path: Path) -> re.Match[str] | None:
    for part in reversed([*path.parts[:-1], path.stem if path.suffix in _SUFFIXES else path.name]):
        found = _NAMED.search(part) or re.fullmatch(r"(\d+)", part)
        if found:
            return found
    return None


def _by_table(table: Path) -> Callable[[Path], int]:
    """What finds the step of a file in a table."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"expected a table of files and steps at `{table}`, got {error}") from error
    try:
        steps = {(table.parent / row["file"]).resolve(): int(row["step"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"expected columns `file` and `step`, whole numbers, in `{table}`, got {error}") from error

    def step_of(path: Path) -> int:
        step = steps.get(path.resolve(), -1)
        if step < 0:
            raise UsageError(f"expected a step, 0 or more, for `{path}` in `{table}`, got none")
        return step

    return step_of
