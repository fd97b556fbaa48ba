"""Files that a stranger made: each is refused in a line that names it, within time and memory, and does no harm."""

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from tests.torture import hostile_files, hostile_hdf5, hostile_limits
from tests.torture.material import VALUES, wrong
from tests.torture.processes import Tell, in_child
from tests.torture.subjects import cut_off, packed, shown

from probes.errors import ProbesError
from probes.log import Log, open_log

KINDS = {
    **hostile_hdf5.KINDS,
    **hostile_files.KINDS,
    **hostile_limits.KINDS,
}  # name -> run it is made of, and what makes it hostile
COUNT, SHORT = len(KINDS), 24
CHECKED = "refused in a printable line that names the file, or harmless; in 10 s and 0.5 GiB, no crash"

_SECONDS, _BYTES = 10, 2**29
_BUILD: Mapping[str, Callable[[Path], object]] = {"packed": packed, "shown": shown, "cut-off": cut_off}

READ: tuple[Callable[[Log], object], ...] = (
    lambda log: log.steps,
    lambda log: log.scalars(),
    lambda log: log.faults,
    lambda log: log.status,
    *(lambda log, name=name: log[name][:] for name in VALUES),
    lambda log: log.directions(),
    lambda log: log.evaluation,
)


def cases(numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """A line for every kind, in an order drawn by the seed: empty, or what reading it did."""
    folder.mkdir(exist_ok=True)
    for name, build in _BUILD.items():
        build(folder / name)
    open_log(folder / "packed").scalars()  # pandas is here before the limit on memory is
    names = list(KINDS)
    order = np.random.default_rng(seed).permutation(len(names))
    for number in numbers:
        if number >= len(names):
            return
        name = names[order[number]]
        subject, change = KINDS[name]
        run = folder / "strange"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(folder / subject, run)
        change(run)
        fault = _taken_in(run)
        yield f"{name}: {fault}" if fault else ""


def _taken_in(run: Path) -> str:
    """What is wrong with how the run is refused."""
    told, ending = in_child(partial(_read, run))
    refusals = [line for line in told if line.startswith("refused")]
    strange = [line for line in told if not line.startswith("refused")]
    unnamed = [line for line in refusals if str(run) not in line or not line.isprintable()]
    return ending or "; ".join(strange or unnamed) or ("" if refusals else wrong(open_log(run)))


def _read(run: Path, tell: Tell) -> None:
    signal.alarm(_SECONDS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + _BYTES, taken + _BYTES))
    try:
        log = open_log(run)
    except ProbesError as error:
        tell(f"refused {error!s}".replace("\n", "\a"))
        return
    for read in READ:
        try:
            read(log)
        except ProbesError as error:
            tell(f"refused {error!s}".replace("\n", "\a"))
        except Exception as error:  # noqa: BLE001 - whatever else comes out is what is looked for
            tell(f"raised {type(error).__name__}: {error}".replace("\n", " "))
