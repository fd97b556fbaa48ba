"""A whole log as one HDF5 file that needs no other."""

from pathlib import Path

from probes.logs.reader import Log
from probes.logs.view import joined
from probes.segments.segment import write_segment

__all__ = ["pack"]


def pack(log: Log, path: str | Path) -> None:
    """Write a whole log, however large, into one file that needs no other; not for a process that trains.

    Raises:
        FileExistsError: there is a file at ``path``.
        LogError: a file of the log is damaged or foreign.

    Example:
        >>> import h5py
        >>> from probes.store import Manifest, memory_log
        >>> pack(memory_log(Manifest("seed-0", ()), [0, 5], {}), "one.h5")
        >>> with h5py.File("one.h5") as file:
        ...     file["step"][:]
        array([0, 5])
    """
    with Path(path).open("x+b") as target:
        write_segment(target, log.manifest, joined(log.manifest, log.parts(), log.parts))
