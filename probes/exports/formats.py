"""A log in the formats of other tools, written in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from probes.log.exports.as_csv import series_as_csv, table_as_csv
from probes.log.exports.as_netcdf import log_as_netcdf
from probes.log.exports.as_parquet import modules, series_as_parquet, table_as_parquet
from probes.log.exports.fresh_file import check_free, fresh
from probes.log.layout import SCALARS, stored_name
from probes.log.reader import Log

__all__ = ["FORMATS", "Exported", "export"]

FORMATS = ("csv", "parquet", "netcdf")

Writers = dict[Path, tuple[tuple[str, ...], Callable[[Path], None]]]  # of a file: what it holds, and what writes it


class Exported(NamedTuple):
    """One file that was written.

    Example:
        >>> Exported(Path("w.csv"), ("w",), 20).bytes
        20
    """

    path: Path
    holds: tuple[str, ...]  # names of series, and ``scalars``
    bytes: int


def export(
    log: Log, to: str, out: Path | None = None, *, series: Sequence[str] = (), overwrite: bool = False
) -> Iterator[Exported]:
    """Write a log, or some of its series, and yield every file once it is there.

    CSV and Parquet are a long table for each series, with the columns step, its dims and value, and ``scalars`` with a
    column for each name; netCDF is one file. Values are read, and written, a stretch of steps at a time.

    Args:
        log: What to write.
        to: One of `FORMATS`.
        out: Folder for tables, file for netCDF; named after the run if None.
        series: Names of what to write; all series and the scalars if there is none.
        overwrite: Whether files that are there may be replaced.

    Raises:
        LogError: there is no series of a name, or a file of the log is damaged.
        RunError: a file is there already, or the disk refuses.
        ProbesError: pyarrow is needed and not installed.

    Example:
        >>> from probes.log import Manifest, Series, memory_log
        >>> log = memory_log(Manifest("seed-0", (Series("w", (), ()),)), [0, 5], {"w": [1, 2]})
        >>> [file.path.name for file in export(log, "csv", series=["w"])]
        ['w.csv']
    """
    names = [log[name].series.name for name in series] or list(log.series)
    scalars = not series
    if to == "parquet":
        modules()  # before a file is written
    writers = (
        _whole(log, out, names, scalars=scalars) if to == "netcdf" else _tables(log, to, out, names, scalars=scalars)
    )

    for path in writers:
        check_free(path, overwrite=overwrite)
    places = [path.absolute() for path in writers]  # whoever takes the files may change the directory between two
    for place, (path, (holds, write)) in zip(places, writers.items(), strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        with fresh(place, overwrite=overwrite) as target:
            write(target)
        yield Exported(path, holds, place.stat().st_size)


def _whole(log: Log, out: Path | None, names: Sequence[str], *, scalars: bool) -> Writers:
    """One file with everything."""
    path = out or Path(f"{log.manifest.run_id}.nc")
    holds = (*names, *([SCALARS] if scalars else []))
    return {path: (holds, lambda target: log_as_netcdf(log, target, names, scalars=scalars))}


def _tables(log: Log, to: str, out: Path | None, names: Sequence[str], *, scalars: bool) -> Writers:
    """A file for each table."""
    folder = out or Path(f"{log.manifest.run_id}-{to}")
    series_as, table_as = (series_as_csv, table_as_csv) if to == "csv" else (series_as_parquet, table_as_parquet)
    writers: Writers = {
        folder / f"{stored_name(name)}.{to}": ((name,), partial(series_as, log[name])) for name in names
    }
    if scalars:
        writers[folder / f"{SCALARS}.{to}"] = ((SCALARS,), lambda target: table_as(log.scalars(), target))
    return writers
