"""The tensors of a checkpoint, whatever wrote it; nothing in a file is ever run.

Read are safetensors, what ``torch.save`` wrote, and indices that say in which of several files each tensor lies.
"""

import json
import pickle
import warnings
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from probes.errors import LogError
from probes.files.durable import read_whole

__all__ = ["Weights", "open_weights"]

_KEYS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")  # of those that also save an optimizer
_WHOLE = ("I", "U", "BOOL")  # how safetensors calls types of whole numbers, which are no weights
_WRAPPED = ("module.", "_orig_mod.")  # what DistributedDataParallel and torch.compile put before every name


@dataclass(frozen=True)
class Weights:
    """The tensors of one checkpoint, those of whole numbers left out; one is read when it is asked for.

    Attributes:
        shapes: Name -> shape.
        files: Name -> the file in which it lies.
        steps: File -> the step that it states of itself, for those that state one.

    Example:
        >>> torch.save({"weight": torch.ones(2, 3)}, "step1.pt")
        >>> weights = open_weights(Path("step1.pt"))
        >>> weights.shapes, weights["weight"].sum()
        ({'weight': (2, 3)}, tensor(6.))
    """

    shapes: Mapping[str, tuple[int, ...]]
    files: Mapping[str, Path]
    read: Callable[[str], Tensor] = field(repr=False)
    steps: Mapping[Path, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of that name."""
        with _refused(self.files[name]):
            return self.read(name)


def open_weights(path: Path, key: str = "") -> Weights:
    """Return the tensors of a checkpoint.

    Args:
        path: ``.safetensors``, the index of several (``.json``), or what ``torch.save`` wrote.
        key: Of the state dict in what ``torch.save`` wrote; default, what is a state dict itself, or its only entry
            that is one, or that is called ``state_dict``, ``model_state_dict``, ``model``, ``module``, ``net`` or
            ``weights``.

    Raises:
        LogError: the file is truncated, holds code, or no tensors; or an index names files that are not there.

    Example:
        >>> torch.save({"model": {"weight": torch.ones(2, 3)}, "optimizer": {}, "step": 10}, "step10.pt")
        >>> dict(open_weights(Path("step10.pt")).shapes)
        {'weight': (2, 3)}
    """
    if path.suffix == ".json":
        return _without_prefix(_sharded(path))
    with _refused(path):
        return _without_prefix(_safe(path) if path.suffix == ".safetensors" else _saved(path, key))


def _safe(path: Path) -> Weights:
    with safe_open(path, "pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        shapes = {name: tuple(one.get_shape()) for name, one in parts.items() if not one.get_dtype().startswith(_WHOLE)}
        stated = (file.metadata() or {}).get("step", "")

    def read(name: str) -> Tensor:
        with safe_open(path, "pt") as file:
            tensor: Tensor = file.get_tensor(name)
            return tensor

    return Weights(shapes, dict.fromkeys(shapes, path), read, {path: int(stated)} if stated.isdecimal() else {})


def _saved(path: Path, key: str) -> Weights:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a pickle by another protocol: it is read, or refused
        try:
            found = torch.load(path, "cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap" not in str(error):  # the format of before torch 1.6 has to be read as a whole
                raise
            found = torch.load(path, "cpu", weights_only=True)
    tensors = {
        name: one for name, one in _state_dict(found, key).items() if one.is_floating_point() or one.is_complex()
    }
    shapes = {name: tuple(one.shape) for name, one in tensors.items()}

    return Weights(shapes, dict.fromkeys(shapes, path), tensors.__getitem__)


def _state_dict(found: Any, key: str) -> dict[str, Tensor]:
    """The tensors in what was saved; a ValueError where it is not clear which."""
    if key:
        if not isinstance(found, Mapping) or key not in found:
            raise ValueError(f"expected an entry `{key}`, got {', '.join(map(str, found)) or 'none'}")
        found = found[key]
    tensors = _tensors(found)
    if tensors:
        return tensors
    entries = {name: _tensors(entry) for name, entry in found.items()} if isinstance(found, Mapping) else {}
    entries = {name: entry for name, entry in entries.items() if entry}
    if len(entries) > 1:
        entries = {name: entry for name, entry in entries.items() if name in _KEYS}
    if len(entries) != 1:
        got = ", ".join(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
        raise ValueError(f"expected a state dict, or one in an entry that --key names, got {got}")
    return next(iter(entries.values()))


def _tensors(found: Any) -> dict[str, Tensor]:
    """The tensors of a state dict, none if it is no such thing; what a module adds of its own is left out."""
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        return {}
    tensors = {name: one for name, one in found.items() if isinstance(one, Tensor)}
    return tensors if len(tensors) > len(found) / 2 else {}


def _sharded(index: Path) -> Weights:
    """The tensors that an index tells of, each from its own file."""
    try:
        said = json.loads(read_whole(index))
        places = {str(name): index.parent / str(file) for name, file in said["weight_map"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LogError(f"expected an index of weights at `{index}`, got {type(error).__name__}: {error}") from error
    by_file: dict[Path, list[str]] = defaultdict(list)
    for name, file in places.items():
        by_file[file].append(name)

    parts: dict[Path, Weights] = {}
    for file, names in by_file.items():
        if file.parent != index.parent or not file.is_file():
            raise LogError(f"expected `{file.name}` beside `{index}`, which names it, got none")
        with _refused(file):
            parts[file] = _safe(file) if file.suffix == ".safetensors" else _saved(file, "")
        missing = next((name for name in names if name not in parts[file].shapes), None)
        if missing is not None:
            raise LogError(f"expected `{missing}` in `{file}`, as `{index}` says, got {len(parts[file].shapes)} others")
    shapes = {name: parts[file].shapes[name] for name, file in places.items()}
    steps = {file: step for part in parts.values() for file, step in part.steps.items()}
    return Weights(shapes, places, lambda name: parts[places[name]][name], steps)


def _without_prefix(weights: Weights) -> Weights:
    """The same under the names that the model itself has."""
    length = 0
    while prefix := next((one for one in _WRAPPED if _all_begin(weights.shapes, length, one)), ""):
        length += len(prefix)
    full = {name[length:]: name for name in weights.shapes}
    shapes = {name: weights.shapes[old] for name, old in full.items()}
    files = {name: weights.files[old] for name, old in full.items()}

    return Weights(shapes, files, lambda name: weights.read(full[name]), weights.steps)


def _all_begin(names: Collection[str], length: int, prefix: str) -> bool:
    """Whether all names, of which there are some, go on with a prefix after so many characters."""
    return bool(names) and all(name.startswith(prefix, length) for name in names)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """What a file that is no checkpoint makes go wrong, as a line."""
    try:
        yield
    except pickle.UnpicklingError as error:
        code = "Unsupported" in str(error) or "GLOBAL" in str(error) or "Weights only" in str(error)
        what = "more than tensors, which only code in it could make" if code else "something else"
        raise LogError(
            f"refused `{path}`: expected tensors alone, got {what}; save the model's `state_dict()`, or convert it to "
            "safetensors where you trust it"
        ) from error
    except (OSError, RuntimeError, SafetensorError, ValueError, EOFError, KeyError, AttributeError) as error:
        line = str(error).splitlines()[0] if str(error) else "nothing"
        raise LogError(f"refused `{path}`: expected a whole checkpoint, got {type(error).__name__}: {line}") from error
