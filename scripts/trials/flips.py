"""Single bits turned, and short stretches overwritten, in every file of a run: never a wrong value, crash or hang."""

import json
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tests.torture.material import STEPS, VALUES, logged_until, scalars_of
from tests.torture.processes import Tell, in_child
from tests.torture.subjects import ROWS, cut_off, packed, shown

from probes.errors import ProbesError
from probes.log import Evaluation, Log, open_log
from probes.log.layout import LOCK

COUNT, SHORT = 6000, 200
CHECKED = "refused in a line, or NaN and a fault, or unchanged; no crash, no hang"

_BATCH = 200  # in one process
_SECONDS = 20  # for reading one log
_BURSTS = 0.15  # share of the cases in which more than a bit is changed

Facts = dict[str, str]

# What a log says besides its rows, as text.
READ: Mapping[str, Callable[[Log], str]] = {
    "manifest": lambda log: json.dumps(log.manifest.to_json()),
    "status": lambda log: log.status,
    "directions": lambda log: f"{log.directions().names} {log.directions().vectors.tolist()}",
    "evaluation": lambda log: _listed(log.evaluation),
}


@dataclass(frozen=True)
class _Runs:
    """What is damaged: files and what is in them, what their logs say, and earlier states of the last journal."""

    good: Mapping[Path, bytes]
    whole: Mapping[Path, Facts]
    earlier: set[bytes]  # before a frame was written, or the first; no damage can be told from these


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every damaged file: empty, or what was read of it."""
    runs = _recorded(folder)
    left = deque(numbers)
    while left:
        batch = [left.popleft() for _ in range(min(_BATCH, len(left)))]
        told, ending = in_child(partial(_batch, batch, seed, runs))
        yield from told[: len(batch)]
        if ending:
            yield f"case {batch[len(told)]} of seed {seed}: {ending}"
            left.extendleft(reversed(batch[len(told) + 1 :]))
            for file, data in runs.good.items():
                file.write_bytes(data)


def _recorded(folder: Path) -> _Runs:
    folder.mkdir()
    packed(folder / "packed")
    shown(folder / "shown")
    ends = [0, *(end for end, _ in cut_off(folder / "cut-off"))]
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != LOCK)
    good = {file: file.read_bytes() for file in files}
    journal = good[max((folder / "cut-off").glob("*.wal"))]
    whole = {run: _facts(open_log(run)) for run in {file.parent for file in files}}
    return _Runs(good, whole, {journal[:end] for end in ends})


def _batch(numbers: list[int], seed: int, runs: _Runs, tell: Tell) -> None:
    files = list(runs.good)
    for number in numbers:
        signal.alarm(_SECONDS)
        rng = np.random.default_rng((seed, number))
        file = files[int(rng.integers(len(files)))]
        bad, what = damaged(runs.good[file], rng)
        file.write_bytes(bad)
        fault = "" if bad in runs.earlier and file.suffix == ".wal" else _misread(file.parent, runs.whole[file.parent])
        file.write_bytes(runs.good[file])
        text = f"case {number}, {file.parent.name}/{file.name}, {what}: {fault}" if fault else ""
        tell(" | ".join(text.split("\n")))


def damaged(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """The data with a bit turned, or a stretch overwritten or cut off; and which."""
    place = int(rng.integers(len(data)))
    if rng.random() > _BURSTS:
        bit = int(rng.integers(8))
        return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :], f"bit {bit} of byte {place}"
    stop = min(len(data), place + int(rng.choice([2, 8, 64, 512])))
    kind = int(rng.integers(3))
    middle = [rng.bytes(stop - place), bytes(stop - place), b""][kind]
    end = b"" if kind == 2 else data[stop:]
    return data[:place] + middle + end, f"{['random', 'zero', 'no'][kind]} bytes from {place} to {stop}"


def _facts(log: Log) -> Facts:
    """What a log says besides its rows, each to be read by a call."""
    return {what: read(log) for what, read in READ.items()}


def _misread(path: Path, whole: Facts) -> str:
    """What is wrong with how the damaged log is read, if it is read."""
    try:
        log = open_log(path)
    except ProbesError as error:
        return _unlike_a_line(error)
    checks = [
        partial(_wrong_rows, log),
        partial(_wrong_scalars, log),
        *(partial(_changed, log, what, good) for what, good in whole.items()),
    ]
    return next(filter(None, map(_tried, checks)), "")


def _tried(check: Callable[[], str]) -> str:
    try:
        return check()
    except ProbesError as error:
        return _unlike_a_line(error)
    except Exception as error:  # noqa: BLE001 - whatever else a reader raises is what is looked for
        return f"raised {type(error).__name__}: {error}"


def _unlike_a_line(error: ProbesError) -> str:
    return "" if "\n" not in str(error) and str(error) else f"refused in several lines: {error}"


def _changed(log: Log, what: str, good: str) -> str:
    found = READ[what](log)
    return "" if found == good else f"another {what}: {found[:300]} instead of {good[:300]}"


def _wrong_rows(log: Log) -> str:
    steps = log.steps
    if not np.array_equal(steps, STEPS[: len(steps)]) and not log.faults:
        return f"steps {steps.tolist()}"
    rows = np.searchsorted(STEPS, steps)
    refused = ""
    for name, values in VALUES.items():
        try:
            got = np.asarray(log[name])
        except ProbesError as error:
            refused = refused or _unlike_a_line(error)
            continue
        other = got.view(f"u{got.itemsize}") != values[rows].view(f"u{got.itemsize}")
        if got.dtype.kind == "f" and not np.isnan(got[other]).all():
            return f"wrong values in `{name}`"
        if other.any() and (got.dtype.kind != "f" or not log.faults):
            return f"values of `{name}` changed, faults {log.faults}"
    return refused or ("" if len(steps) == ROWS or log.faults else f"{len(steps)} rows and no fault")


def _listed(found: Evaluation | None) -> str:
    return f"{found.attrs} { {name: array.tolist() for name, array in found.arrays.items()} }" if found else ""


def _wrong_scalars(log: Log) -> str:
    found, true = scalars_of(log), logged_until(STEPS[:ROWS])
    strange = [key for key, value in found.items() if true.get(key) != value]
    return f"wrong scalars {strange}" if strange else "" if found == true or log.faults else "lost scalars and no fault"
