"""Recorded series and scalars as one netCDF-4 file, which is an HDF5 file whose axes are dimension scales.

Scalars are logged at steps of their own, so they are variables of an axis of their own, ``scalar_step``: as the table
of `Log.scalars`, NaN where a scalar was not logged. ``xarray.open_dataset(path, engine="h5netcdf")`` opens it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from probes.log.layout import axis_names, stored_name
from probes.log.reader import Log
from probes.log.view import joined
from probes.log.writing.segment import write_segment

__all__ = ["log_as_netcdf"]

_AXIS = "scalar_step"


def log_as_netcdf(log: Log, path: Path, names: Sequence[str], *, scalars: bool) -> None:
    """Write the series of these names, with their axes and labels, and the scalars.

    Example:
        >>> from probes.log.manifest import Manifest
        >>> from probes.log.memory import memory_log
        >>> log_as_netcdf(memory_log(Manifest("seed-0", ()), [0, 5], {}), Path("one.nc"), (), scalars=False)
        >>> with h5py.File("one.nc") as file:
        ...     file["step"][:]
        array([0, 5])
    """
    schedules = log.manifest.schedules  # with the others left out, each series still has the steps of its own
    chosen = [log[name].series for name in names]
    series = tuple(replace(one, schedule=str(schedules[one.name])) if schedules else one for one in chosen)
    manifest = replace(log.manifest, series=series)
    write_segment(str(path), manifest, replace(joined(manifest, log.parts(), log.parts), scalars={}))
    if scalars:
        taken = {*axis_names(manifest.series).values(), *names, "step"}
        with h5py.File(path, "a", libver=("v110", "v110")) as file:
            _write_scalars(file, log.scalars(), taken)


def _write_scalars(file: h5py.File, table: Any, taken: set[str]) -> None:
    axis = file.create_dataset(_free(_AXIS, taken), data=table.index.to_numpy(np.int64))
    axis.make_scale(_AXIS)
    packed = {"compression": "gzip", "compression_opts": 1, "fletcher32": True} if len(table) else {}
    for name in table:
        dataset = file.create_dataset(_free(name, taken), data=table[name].to_numpy(np.float64), **packed)
        dataset.dims[0].label = axis.name[1:]
        dataset.dims[0].attach_scale(axis)


def _free(name: str, taken: set[str]) -> str:
    """The name in the file, if need be with a word before it that tells it from a series or an axis; now taken."""
    while name in taken:
        name = f"scalar.{name}"
    taken.add(name)
    return stored_name(name)
