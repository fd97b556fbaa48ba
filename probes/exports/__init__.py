"""Recorded runs in other forms: CSV, Parquet, netCDF, or one HDF5 file; written in bounded memory, whole or not at all.

Example:
    >>> from probes.log.exports import export
    >>> from probes.log import Manifest, Series, memory_log
    >>> log = memory_log(Manifest("seed-0", (Series("loss", (), ()),)), [0], {"loss": [0.5]})
    >>> [(file.path.name, file.bytes) for file in export(log, "csv", series=["loss"])]
    [('loss.csv', 17)]
"""

from probes.log.exports.formats import FORMATS, Exported, export
from probes.log.exports.fresh_file import fresh
from probes.log.exports.packing import pack, pack_into

__all__ = ["FORMATS", "Exported", "export", "fresh", "pack", "pack_into"]
