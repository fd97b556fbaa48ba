"""What a network says of the samples of an evaluation set, at one step or several, as it is kept with its run.

A file for each set and step: ``outputs/<name>.<step>.h5``. Texts are kept as JSON, in an array of bytes.
"""

import json
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.errors import LogError, RunError
from probes.files.durable import is_there, make_folder, refusal, remove_unfinished
from probes.log.hdf5.arrays import as_bytes, read_arrays, write_arrays
from probes.log.layout import OUTPUT, OUTPUTS
from probes.log.manifest import read_manifest
from probes.log.sample_arrays import as_column, as_logits, check_ids, check_labels

__all__ = ["Outputs", "checked", "read_outputs", "write_outputs"]

_LONGEST = 2000  # bytes of a sample's text in JSON, which has at most 255 characters

Stored = Mapping[str, Mapping[int, Callable[[], "Outputs"]]]  # set -> step -> what reads it; steps rise


@dataclass(frozen=True, eq=False)
class Outputs:
    """The outputs of one network at one step for a named set of samples.

    Example:
        >>> Outputs("test", 1200, np.zeros((3, 2), "f4"), labels=np.array([0, 1, 1])).logits.shape
        (3, 2)
    """

    name: str  # of the set
    step: int  # completed updates
    logits: NDArray[Any]  # (sample, class), float32 or float64
    labels: NDArray[Any] | None = None  # (sample,), int64, from 0 to the number of classes - 1
    groups: NDArray[Any] | None = None  # (sample,), int64 or text: what the sample is counted with
    ids: NDArray[Any] | None = None  # (sample,), int64 or text, no two the same


def checked(outputs: Outputs) -> Outputs:
    """The outputs as they are stored: float32 unless float64, integers as int64.

    Raises:
        ValueError: the name cannot be one, or an array does not have the shape or the values that it must have.
        TypeError: an array has another type.

    Example:
        >>> checked(Outputs("test", 0, np.array([[0.5, 1.0]]), labels=np.array([2])))
        Traceback (most recent call last):
        ValueError: expected `labels` from 0 to 1, got 2 for sample 0
        >>> checked(Outputs("test", 0, np.ones((1, 2), "f2"))).logits.dtype
        dtype('float32')
    """
    if not OUTPUT.fullmatch(f"{outputs.name}.{index(outputs.step)}.h5"):  # which has no place for a sign
        wanted = "expected a `name` of at most 200 letters, digits, `_`, `-` and `.`, and a `step` from 0 on"
        raise ValueError(f"{wanted}, got {outputs.name!r} and {outputs.step}")
    logits = as_logits(outputs.logits)
    labels = as_column("labels", outputs.labels, len(logits), texts=False)
    groups = as_column("groups", outputs.groups, len(logits))
    ids = as_column("ids", outputs.ids, len(logits))
    if labels is not None:
        check_labels(labels, logits.shape[1])
    if ids is not None:
        check_ids(ids)
    return Outputs(outputs.name, index(outputs.step), logits, labels, groups, ids)


def write_outputs(run_dir: str | Path, outputs: Outputs) -> Path:
    """The file in which outputs are stored with a run, in place of those of their set and step; it may have ended.

    Raises:
        ValueError: the outputs are malformed, or of other samples than those of the set at another step.
        TypeError: an array has another type.
        RunError: there is no run, or its folder of outputs is none.
        LogError: a file of the run is damaged.
        OSError: the disk is full or refuses.

    Example:
        >>> from probes.log.manifest import Manifest, write_manifest
        >>> write_manifest(".", Manifest("seed-0", ()))
        >>> write_outputs(".", Outputs("test", 1200, np.zeros((3, 2)), ids=np.array(["a", "b", "c"]))).name
        'test.1200.h5'
    """
    run_dir, found = Path(run_dir), checked(outputs)
    manifest = read_manifest(run_dir)
    folder = run_dir / OUTPUTS
    if is_there(folder) and not _is_folder(folder):
        raise RunError(f"expected a folder or nothing at `{folder}`, got something else; move it away")
    other = _beside(output_files(run_dir).get(found.name, {}), found.step)
    if other is not None:
        check_same_samples(found, read_outputs(other))

    make_folder(folder)
    facts: dict[str, str | int] = {"run_id": manifest.run_id, "name": found.name, "step": found.step}
    path = folder / f"{found.name}.{found.step}.h5"
    write_arrays(path, as_arrays(found), facts)
    return path


def read_outputs(path: Path) -> Outputs:
    """The outputs in a file.

    Raises:
        LogError: the file is gone, damaged, foreign, or of another format.

    Example:
        >>> from probes.log.manifest import Manifest, write_manifest
        >>> write_manifest(".", Manifest("seed-0", ()))
        >>> path = write_outputs(".", Outputs("test", 1200, np.zeros((3, 2)), ids=np.array(["a", "b", "c"])))
        >>> read_outputs(path).ids
        array(['a', 'b', 'c'], dtype='<U1')
    """
    try:
        arrays, attributes = read_arrays(path)
        outputs = from_arrays(str(attributes["name"]), int(attributes["step"]), arrays)
        if path.name != f"{outputs.name}.{outputs.step}.h5":
            raise ValueError(f"those of `{outputs.name}` at step {outputs.step}")
    except FileNotFoundError as error:
        raise LogError(f"expected outputs at `{path}`, got no file: it was removed; refresh the log") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise refusal(path, f"expected outputs, got {type(error).__name__}: {error}") from error
    return outputs


def chosen(stored: Stored, name: str, step: int | None, run_dir: Path) -> Outputs:
    """The outputs of a set, default the only one or ``test``, at a step, default the last; a LogError if missing."""
    only = next(iter(stored)) if len(stored) == 1 else "test"
    by_step = stored.get(name or only)
    if by_step is None:
        known = ", ".join(stored) or "none"
        raise LogError(f"expected outputs that `{run_dir}` has, of {known}; got {f'`{name}`' if name else 'no name'}")
    if step is None:
        step = max(by_step)
    if step not in by_step:
        known = ", ".join(map(str, by_step))
        raise LogError(f"expected outputs `{name or only}` of `{run_dir}` at a step of {known}; got {step}")
    return by_step[step]()


def measured_outputs(arrays: Mapping[str, NDArray[Any]], step: int) -> Stored:
    """Those among measured arrays, ``<set>/logits`` and ``<set>/labels``, as outputs at a step."""
    found: dict[str, Mapping[int, Callable[[], Outputs]]] = {}
    for name in arrays:
        of, _, what = name.rpartition("/")
        logits, labels = arrays[name], arrays.get(f"{of}/labels")
        fitting = labels is not None and logits.ndim == 2 and labels.shape == logits.shape[:1]
        if what == "logits" and fitting and OUTPUT.fullmatch(f"{of}.0.h5"):
            found[of] = {step: partial(Outputs, of, step, logits, labels)}
    return found


def stored_outputs(run_dir: Path) -> Stored:
    """What a run's folder holds; nothing is read yet."""
    files = output_files(run_dir)
    return {name: {step: partial(read_outputs, path) for step, path in by.items()} for name, by in files.items()}


def output_files(run_dir: Path) -> dict[str, dict[int, Path]]:
    """The files of outputs by set and step, both in order; a link is not followed."""
    found: dict[str, dict[int, Path]] = {}
    with suppress(FileNotFoundError):
        names = [path.name for path in (run_dir / OUTPUTS).iterdir()] if _is_folder(run_dir / OUTPUTS) else []
        for name, step in sorted((match[1], int(match[2])) for match in map(OUTPUT.fullmatch, names) if match):
            found.setdefault(name, {})[step] = run_dir / OUTPUTS / f"{name}.{step}.h5"
    return found


def remove_outputs(run_dir: Path, *, after: int = -1) -> None:
    """Remove outputs of later steps, and the folder once it is empty; whatever is not ours stays."""
    for files in output_files(run_dir).values():
        for step, path in files.items():
            if step > after:
                path.unlink(missing_ok=True)
    if _is_folder(folder := run_dir / OUTPUTS):
        remove_unfinished(folder, "*.h5")
        with suppress(OSError):  # it is not empty
            folder.rmdir()


def _is_folder(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def as_arrays(outputs: Outputs) -> dict[str, NDArray[Any]]:
    """What is stored of checked outputs: numbers alone."""
    columns = {"logits": outputs.logits, "labels": outputs.labels, "groups": outputs.groups, "ids": outputs.ids}
    return {
        name: as_bytes(column.tolist()) if column.dtype.kind == "U" else column
        for name, column in columns.items()
        if column is not None
    }


def from_arrays(name: str, step: int, arrays: Mapping[str, NDArray[Any]]) -> Outputs:
    """The outputs that `as_arrays` made arrays of; a KeyError, TypeError or ValueError if they are none."""
    columns = {each: arrays.get(each) for each in ("labels", "groups", "ids")}
    for each, column in columns.items():
        if column is not None and column.dtype == np.uint8:
            if column.nbytes > _LONGEST * (1 + len(arrays["logits"])):
                raise ValueError(f"{column.nbytes} bytes of `{each}` for {len(arrays['logits'])} samples")
            columns[each] = np.array(json.loads(column.tobytes()), object)
    return checked(Outputs(name, step, arrays["logits"], **columns))


def check_same_samples(outputs: Outputs, other: Outputs) -> None:
    """Refuse outputs of other samples than those of the same set at another step: a ValueError."""
    known = f"as at step {other.step} of `{outputs.name}`"
    if outputs.logits.shape != other.logits.shape:
        raise ValueError(f"expected `logits` {other.logits.shape}, {known}, got shape {outputs.logits.shape}")
    if (outputs.ids is None) != (other.ids is None):
        wanted, got = ("no `ids`", "some") if other.ids is None else ("`ids`", "none")
        raise ValueError(f"expected {wanted}, {known}, got {got}")
    for name in ("ids", "labels", "groups"):
        mine, its = getattr(outputs, name), getattr(other, name)
        if mine is None or its is None or np.array_equal(mine, its):
            continue
        same = mine.dtype.kind == its.dtype.kind and sorted(mine.tolist()) == sorted(its.tolist())
        at = int(np.argmax(mine != its)) if mine.dtype.kind == its.dtype.kind else 0
        got = f"{'another order' if same else 'others'}: {mine[at].item()!r} for sample {at}, not {its[at].item()!r}"
        raise ValueError(f"expected the same `{name}`, {known}, got {got}")


def _beside(files: Mapping[int, Path], step: int) -> Path | None:
    """The file of the last step before, or else of the first one after."""
    before = [one for one in files if one < step]
    after = [one for one in files if one > step]
    return files[max(before)] if before else files[min(after)] if after else None
