"""A run as one file that needs no other: its rows as in log.h5, and beside them what else was stored of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from probes.errors import LogError, RunError
from probes.log.evaluation import Evaluation
from probes.log.folder import Source
from probes.log.hdf5.arrays import arrays_in, as_bytes, put_arrays
from probes.log.hdf5.segments import open_segment, opened
from probes.log.hdf5.validation import check_links, read_text
from probes.log.layout import OUTPUT, OUTPUTS, PACKED
from probes.log.manifest import Manifest, described, parsed
from probes.log.outputs import Outputs, Stored, as_arrays, from_arrays
from probes.log.rows import Rows
from probes.log.stored_directions import StoredDirections

__all__ = ["pack_rest", "packed_run"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MANIFEST, _EVALUATION, _ATTRIBUTES = "manifest", "evaluation", "evaluation attributes"


def pack_rest(file: h5py.File, manifest: Manifest, evaluation: Evaluation | None, outputs: list[Outputs]) -> None:
    """Write into a file of rows what makes it a run.

    Example:
        >>> with h5py.File("packed.h5", "w") as file:
        ...     pack_rest(file, Manifest("seed-0", ()), None, [])
        ...     len(file[PACKED])
        1
    """
    group = file.create_group(PACKED)
    put_arrays(group, {_MANIFEST: np.frombuffer(described(manifest), np.uint8)})
    if evaluation is not None:
        put_arrays(group.create_group(_EVALUATION), evaluation.arrays)
        put_arrays(group, {_ATTRIBUTES: as_bytes(dict(evaluation.attrs))})
    for each in outputs:
        put_arrays(group.create_group(f"{OUTPUTS}/{each.name}/{each.step}"), as_arrays(each))


def packed_run(path: Path) -> Source:
    """The run in such a file.

    Example:
        >>> with h5py.File("log.h5", "w") as file:
        ...     file["step"] = [0]
        >>> packed_run(Path("log.h5")).manifest()
        Traceback (most recent call last):
        probes.errors.RunError: expected a run's folder, or a file that `probes pack` made, got `log.h5`
    """
    return Source(
        path,
        partial(_manifest, path),
        lambda manifest: "stopped" if manifest.status == "recording" else manifest.status,
        partial(_parts, path),
        partial(_evaluation, path),
        partial(_directions, path),
        partial(_outputs, path),
    )


@contextmanager
def _rest(path: Path) -> Iterator[h5py.Group]:
    foreign = RunError(f"expected a run's folder, or a file that `probes pack` made, got `{path}`")
    with path.open("rb") as start:
        if start.read(len(_SIGNATURE)) != _SIGNATURE:
            raise foreign
    with opened(path) as file:
        check_links(file)
        if PACKED not in file:
            raise foreign
        check_links(file[PACKED], {_MANIFEST, _EVALUATION, _ATTRIBUTES, OUTPUTS})
        yield file[PACKED]


def _manifest(path: Path) -> Manifest:
    with _rest(path) as group:
        text = read_text(group[_MANIFEST])
    return parsed(path, text)


def _parts(path: Path, manifest: Manifest) -> tuple[list[Rows], list[str]]:
    return [open_segment(path, manifest)], []


def _evaluation(path: Path) -> Evaluation | None:
    with _rest(path) as group:
        if _EVALUATION not in group:
            return None
        attributes = json.loads(read_text(group[_ATTRIBUTES]))
        return Evaluation(arrays_in(group[_EVALUATION]), dict(attributes))


def _directions(path: Path) -> Mapping[str, StoredDirections]:
    raise LogError(f"expected directions in `{path}`, got a packed file, which has none; open the run's folder")


def _outputs(path: Path) -> Stored:
    with _rest(path) as group:
        stored = group.get(OUTPUTS, {})
        found = {(name, int(step)) for name, steps in stored.items() for step in steps}
        if wrong := [name for name, _ in found if not OUTPUT.fullmatch(f"{name}.0.h5")]:
            raise ValueError(f"outputs named {wrong[0]!r}")
    sets: dict[str, dict[int, Callable[[], Outputs]]] = {}
    for name, step in sorted(found):
        sets.setdefault(name, {})[step] = partial(_read, path, name, step)
    return sets


def _read(path: Path, name: str, step: int) -> Outputs:
    with _rest(path) as group:
        return from_arrays(name, step, arrays_in(group[f"{OUTPUTS}/{name}/{step}"]))
