"""HDF5 files of a run, changed by a stranger in one respect each."""

import zlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tests.torture.subjects import ROWS

from probes.log.layout import EVALUATION, MERGED

__all__ = ["KINDS"]

Change = Callable[[h5py.File], object]

NAME = "correlations"
SHAPE = (ROWS, 3, 2)


def replaced(file: h5py.File, name: str = NAME, **options: Any) -> None:
    """Make a dataset anew with other properties."""
    values = file[name][:]
    del file[name]
    file.create_dataset(name, **({"data": values} | options))


def linked(file: h5py.File, link: Any, name: str = NAME) -> None:
    """Put a link in place of a dataset, or beside it."""
    if name in file:
        del file[name]
    file[name] = link


def virtual(file: h5py.File, source: str) -> None:
    """A series whose values lie in another file."""
    layout = h5py.VirtualLayout(SHAPE, "<f4")
    layout[:] = h5py.VirtualSource(source, NAME, SHAPE)
    del file[NAME]
    file.create_virtual_dataset(NAME, layout)


def bomb(file: h5py.File, name: str, count: int, dtype: str = "<i8", *, level: int = 9) -> None:
    """A few bytes that unpack to many."""
    if name in file:
        del file[name]
    rows = min(count, 2**23)
    dataset = file.create_dataset(name, (count,), dtype, chunks=(rows,), compression="gzip", compression_opts=level)
    for start in range(0, count, rows):
        dataset.id.write_direct_chunk((start,), _zeros(8 * rows, level))


@cache
def _zeros(size: int, level: int) -> bytes:
    return zlib.compress(bytes(size), level)


def scalar_bombs(file: h5py.File) -> None:
    """Scalars of which each is large, but not too large."""
    for number in range(40):
        for name, dtype in (("step", "<i8"), ("value", "<f8")):
            bomb(file, f"scalars/{number}/{name}", 2**23, dtype, level=1)


def many_groups(file: h5py.File) -> None:
    """More scalars than anyone logs, all without values."""
    for number in range(30_000):
        file.create_group(f"scalars/{number}")


def cycle(file: h5py.File) -> None:
    """A group that holds itself."""
    file.require_group("training")["again"] = file["/"]


def doubling(file: h5py.File) -> None:
    """Groups that hold the next one twice: 2 ** 40 ways to the last."""
    group = file.create_group("0")
    for number in range(1, 40):
        below = file.create_group(f"below-{number}") if number == 1 else group.create_group("a")
        group["a" if number == 1 else "b"] = below
        if number == 1:
            group["b"] = below
        group = below


def set_attribute(file: h5py.File, name: str, value: Any) -> None:
    """Another attribute of the root."""
    file.attrs[name] = value


def swapped_rows(file: h5py.File) -> None:
    """Steps that fall."""
    steps = file["step"][:]
    steps[3], steps[9] = steps[9], steps[3]
    file["step"][:] = steps


_COMPOUND = np.dtype([("a", "<f4"), ("b", "<i8")])
_VECTOR = np.dtype(("<f4", (7,)))

IN_LOG: Mapping[str, Change] = {
    "external link": lambda file: linked(file, h5py.ExternalLink("/etc/passwd", "x")),
    "soft link": lambda file: linked(file, h5py.SoftLink("/count")),
    "soft link to nothing": lambda file: linked(file, h5py.SoftLink("/nothing"), "scalars/more"),
    "scalars elsewhere": lambda file: linked(file, h5py.ExternalLink("/etc/passwd", "x"), "scalars/more"),
    "a cycle of groups": lambda file: linked(file, file["/"], "scalars/more"),
    "virtual dataset": partial(virtual, source="/etc/passwd"),
    "virtual dataset of itself": partial(virtual, source="."),
    "external storage": lambda file: replaced(
        file, data=None, shape=SHAPE, dtype="<f4", external=[("/etc/passwd", 0, 1200)]
    ),
    "object dtype": lambda file: replaced(file, data=None, shape=SHAPE, dtype=h5py.vlen_dtype(np.float32)),
    "text dtype": lambda file: replaced(file, data=None, shape=SHAPE, dtype=h5py.string_dtype()),
    "references": lambda file: replaced(file, data=None, shape=SHAPE, dtype=h5py.ref_dtype),
    "compound dtype": lambda file: replaced(file, data=None, shape=SHAPE, dtype=_COMPOUND),
    "array dtype": lambda file: replaced(file, data=None, shape=SHAPE, dtype=_VECTOR),
    "wrong dtype": lambda file: replaced(file, dtype="<f8"),
    "big-endian": lambda file: replaced(file, dtype=">f4"),
    "wrong dims": lambda file: replaced(file, data=np.zeros((ROWS, 6), "f4")),
    "wrong rows": lambda file: replaced(file, data=np.zeros((ROWS - 1, 3, 2), "f4")),
    "no storage": lambda file: replaced(file, data=None, shape=SHAPE, dtype="<f4", chunks=SHAPE, fillvalue=1),
    "unknown filter": lambda file: replaced(file, chunks=True, scaleoffset=3),
    "a group for a dataset": lambda file: linked(file, file.create_group("scalars/any")),
    "a stranger": lambda file: linked(file, [1.0], "passwords"),
    "a name of two lines": lambda file: linked(file, [1.0], "pass\nwords"),
    "a name that clears the screen": lambda file: linked(file, [1.0], "\x1b[2J\x1b[H"),
    "a scalar that clears the screen": lambda file: linked(file, [1.0], "scalars/\x1b[2J/step"),
    "no steps": lambda file: file.__delitem__("step"),
    "falling steps": swapped_rows,
    "huge declared shape": lambda file: linked(
        file, file.create_dataset("scalars/s", (2**40,), "<i8", chunks=(2**20,)), "step"
    ),
    "huge chunks": lambda file: linked(
        file, file.create_dataset("scalars/s", (2**24,), "<i8", chunks=(2**24,)), "step"
    ),
    "gzip bomb": partial(bomb, name="step", count=2**29),
    "gzip bomb within limits": partial(bomb, name="step", count=2**26),
    "gzip bomb of 230 to 1": partial(bomb, name="step", count=2**28, level=1),
    "gzip bombs among scalars": scalar_bombs,
    "groups without end": many_groups,
    "newer format": partial(set_attribute, name="format_version", value=3),
    "format of text": partial(set_attribute, name="format_version", value=np.bytes_("1")),
    "no format": lambda file: file.attrs.__delitem__("format_version"),
    "text of variable length": partial(set_attribute, name="run_id", value="seed-0"),
    "another run": partial(set_attribute, name="run_id", value=np.bytes_("seed-1")),
    "path in run_id": partial(set_attribute, name="run_id", value=np.bytes_("../../etc")),
    "no run_id": lambda file: file.attrs.__delitem__("run_id"),
    "attempt of text": partial(set_attribute, name="attempt", value=np.bytes_("two")),
    "gaps of another shape": partial(set_attribute, name="gaps", value=np.zeros((3, 2), "i8")),
}
IN_EVALUATION: Mapping[str, Change] = {
    "evaluation elsewhere": lambda file: linked(file, h5py.ExternalLink("/etc/passwd", "x"), "mine"),
    "evaluation in a cycle": cycle,
    "evaluation that doubles": doubling,
    "evaluation of objects": lambda file: linked(file, np.array(["a", "b"], object), "mine"),
    "evaluation with a bomb": partial(bomb, name="mine", count=2**29),
    "evaluation of a newer format": partial(set_attribute, name="format_version", value=3),
}


def _changed(file: str, change: Change) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        with h5py.File(run / file, "a") as target:
            change(target)

    return apply


KINDS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    name: ("packed", _changed(file, change))
    for file, changes in ((MERGED, IN_LOG), (EVALUATION, IN_EVALUATION))
    for name, change in changes.items()
}
