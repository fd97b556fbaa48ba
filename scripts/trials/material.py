"""A small run whose every value follows from its step, and the law that any log of it obeys."""

import re
from collections.abc import Collection, Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from probes.log import Log, Manifest, Series, StoredDirections
from probes.log.layout import DIRECTIONS, LOCK, MANIFEST, MERGED, NUMBERED, stored_name
from probes.log.writing import RunWriter

__all__ = ["append", "manifest", "unlike_whole", "wrong"]

SERIES = (
    Series("correlations", ("neuron", "view"), (3, 2), labels={"view": ("left", "right")}),
    Series("conv/weight", ("dim",), (5,), "<f8", "nats"),
    Series("count", (), (), "<i8"),
)
ROW_BYTES = 8 + sum(one.row_bytes for one in SERIES)
DIRECTIONS_STORED = StoredDirections(("feature",), np.eye(3, dtype="f4"))

Scalars = dict[tuple[int, str], float]  # step and name -> value

_TOLD = re.compile(r"steps? (-?\d+) (?:to|up to step) (\d+)")  # the range that a fault names

MOST = 4096  # rows
STEPS = 3 * np.arange(MOST) // 2
_RNG = np.random.default_rng(0)
VALUES: Mapping[str, NDArray[Any]] = {
    "correlations": _RNG.normal(size=(MOST, 3, 2)).astype("f4"),
    "conv/weight": _RNG.normal(size=(MOST, 5)),
    "count": _RNG.integers(-(2**62), 2**62, size=MOST),
}
VALUES["correlations"][::5, 0, 0], VALUES["conv/weight"][::7, 1] = -0.0, 5e-324  # bits that arithmetic would lose
VALUES["correlations"][::9, 1, 1] = np.inf
_LOSS = _RNG.normal(size=MOST)


def manifest(run_id: str = "seed-0") -> Manifest:
    """What the run is; all of it is fixed, so that its files can be compared, and nothing need be asked of git."""
    return Manifest(
        run_id,
        SERIES,
        seeds={"data": 1},
        recipe={"mu": 0.25},
        created="2024-01-01T00:00:00+00:00",
        versions={"feature-probes": "0"},
        commit="0" * 40,
    )


def logged(row: int) -> dict[str, float]:
    """The scalars of a row, by name."""
    loss = {"train/loss": float(_LOSS[row])} if row % 3 == 0 else {}
    return loss | ({"error": float("inf")} if row % 7 == 0 else {})


def append(writer: RunWriter, row: int) -> None:
    """Record a row and its scalars."""
    step = int(STEPS[row])
    writer.append(step, {name: values[row] for name, values in VALUES.items()})
    if scalars := logged(row):
        writer.log(step, scalars)


def wrong(log: Log, *, least: int = 0, holes: bool = False, without: Collection[int] = ()) -> str:
    """What a log breaks of the law: nothing, where its rows are the run's first ones, at least so many, to the bit.

    Args:
        log: Any log of the run, whole or cut off.
        least: Rows that were acknowledged; their scalars must be there, too.
        holes: Rows may be missing where a fault of the log says so.
        without: Rows that may be missing anyway.
    """
    told = [range(int(one[1]), int(one[2]) + 1) for fault in log.faults if holes and (one := _TOLD.search(fault))]
    excused = {row for row in range(MOST) if row in without or any(STEPS[row] in steps for steps in told)}
    rows = np.searchsorted(STEPS, log.steps)
    if not np.array_equal(STEPS[np.minimum(rows, MOST - 1)], log.steps):
        return f"steps that were never recorded: {log.steps.tolist()}"
    later = holes or bool(excused)  # rows of the end may be missing, before anything could tell so
    scalars = _broken_scalars(log, 0 if excused else least, STEPS if later else log.steps)
    broken = (_broken_rows(log, rows, least, excused), scalars)
    return next((line for lines in broken for line in lines), "")


def _broken_rows(log: Log, rows: NDArray[np.int64], least: int, excused: Container[int]) -> Iterator[str]:
    missing = set(range(int(rows.max(initial=-1)))) - set(rows.tolist())
    if not all(row in excused for row in missing):
        yield f"a hole that no fault names, in steps {log.steps.tolist()}; faults {log.faults}"
    if len(rows) < least:
        yield f"lost rows: {len(rows)} are there, {least} were acknowledged; faults {log.faults}"
    for name, values in VALUES.items():
        got = np.asarray(log[name])
        if got.shape != values[rows].shape or got.tobytes() != values[rows].tobytes():
            yield f"wrong values in `{name}`, rows {_unequal(got, values[rows])}"


def _broken_scalars(log: Log, least: int, steps: NDArray[np.int64]) -> Iterator[str]:
    """What is there must be that of the steps, and of so many rows all must be there."""
    found, true = scalars_of(log), logged_until(steps)
    strange = sorted(key for key, value in found.items() if true.get(key) != value)
    if strange:
        yield f"wrong scalars {[(key, found[key], true.get(key)) for key in strange[:5]]}"
    lost = [key for key in true if key not in found and least and key[0] <= STEPS[least - 1]]
    if lost:
        yield f"lost scalars {lost[:9]} of {least} acknowledged rows"


def _unequal(got: NDArray[Any], expected: NDArray[Any]) -> object:
    if got.shape != expected.shape:
        return f"of shape {got.shape} where {expected.shape} was due"
    return [row for row in range(len(got)) if got[row].tobytes() != expected[row].tobytes()][:9]


def scalars_of(log: Log) -> Scalars:
    """What a log holds of them, by step and name."""
    frame = log.scalars()
    return {(int(step), str(name)): value for name in frame for step, value in frame[name].dropna().items()}


def logged_until(steps: NDArray[np.int64]) -> Scalars:
    """What was logged up to the last of the steps."""
    rows = range(int(np.searchsorted(STEPS, steps[-1], "right")) if len(steps) else 0)
    return {(int(STEPS[row]), name): value for row in rows for name, value in logged(row).items()}


def unlike_whole(log: Log, rows: int, without: Collection[int] = ()) -> str:
    """What a closed log breaks of the law that should have all rows, but for some that may be missing; or nothing."""
    return next(_unlike(log, rows, without), "")


def _unlike(log: Log, rows: int, without: Collection[int]) -> Iterator[str]:
    yield from filter(None, [wrong(log, least=rows - len(without), without=without)])
    there = np.searchsorted(STEPS, log.steps)
    if there[-1:].tolist() != [rows - 1] and rows - 1 not in without:
        yield f"{len(there)} rows where {rows} were recorded"
    if log.faults or log.status != "finished":
        yield f"status {log.status}, faults {log.faults}"
    yield from _unlike_files(log.path)
    with h5py.File(log.path / MERGED) as file:
        for name, values in VALUES.items():
            if file[stored_name(name)][:].tobytes() != values[there].tobytes():
                yield f"{MERGED} shows other tools wrong values of `{name}`"


def _unlike_files(path: Path) -> Iterator[str]:
    names = {file.name for file in path.iterdir()} - {LOCK, MANIFEST, MERGED, DIRECTIONS}
    stray = [name for name in sorted(names) if not (NUMBERED.fullmatch(name) and name.endswith(".h5"))]
    if stray:
        yield f"left over: {stray}"
