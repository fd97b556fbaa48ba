"""A whole log as one HDF5 file that needs no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import h5py

from probes.log.one_file import pack_rest
from probes.log.outputs import Outputs
from probes.log.reader import Log
from probes.log.view import joined
from probes.log.writing.segment import write_segment

__all__ = ["pack", "pack_into"]


def pack(log: Log, path: str | Path) -> None:
    """Write a whole log, however large, into one file that needs no other; not for a process that trains.

    It holds rows, scalars, outputs and the evaluation, and `open_log` reads it; directions stay behind.

    Raises:
        FileExistsError: there is a file at ``path``.
        LogError: a file of the log is damaged or foreign.

    Example:
        >>> import h5py
        >>> from probes.log import Manifest, memory_log, open_log
        >>> pack(memory_log(Manifest("seed-0", ()), [0, 5], {}), "one.h5")
        >>> with h5py.File("one.h5") as file:
        ...     file["step"][:]
        array([0, 5])
        >>> open_log("one.h5").steps
        array([0, 5])
    """
    with Path(path).open("x+b") as target:
        pack_into(log, target)


def pack_into(log: Log, target: BinaryIO) -> None:
    """Write a whole log as `pack` does, into an empty file that is open for reading and writing.

    Raises:
        LogError: a file of the log is damaged or foreign.

    Example:
        >>> from probes.log import Manifest, memory_log, open_log
        >>> with open("two.h5", "x+b") as target:
        ...     pack_into(memory_log(Manifest("seed-0", ()), [0, 5], {}), target)
        >>> open_log("two.h5").steps
        array([0, 5])
    """
    write_segment(target, log.manifest, joined(log.manifest, log.parts(), log.parts))
    with h5py.File(target, "r+", libver=("v110", "v110")) as file:
        pack_rest(file, log.manifest, log.evaluation, list(_stored(log)))


def _stored(log: Log) -> Iterator[Outputs]:
    """The outputs that are not those of the evaluation, which is packed as a whole."""
    measured = log.evaluation.arrays if log.evaluation else {}
    for name, steps in log.output_sets.items():
        for step in steps:
            found = log.outputs(name, step=step)
            if measured.get(f"{name}/logits") is not found.logits:
                yield found
