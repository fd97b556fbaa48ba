"""The log store: what a run records is journalled at once, sealed as HDF5 later, and read at any time.

How a log is written stands here, the HDF5 files it becomes in `probes.segments`; what reading it takes stands in
`probes.logs` and is passed on.

Example:
    >>> import numpy as np
    >>> from probes.log import Manifest, Series, open_log
    >>> from probes.log.writing import RunWriter
    >>> with RunWriter("runs/seed-0", Manifest("seed-0", (Series("w", ("neuron",), (2,)),))) as writer:
    ...     writer.append(0, {"w": np.ones(2, "f4")})
    >>> open_log("runs/seed-0")["w"][:]
    array([[1., 1.]], dtype=float32)
"""

from probes.log.evaluation import Evaluation, read_evaluation, write_evaluation
from probes.log.layout import Series
from probes.log.manifest import Manifest, read_manifest, write_manifest
from probes.log.memory import memory_log
from probes.log.protocol import LogLike, SeriesLike
from probes.log.reader import Log, open_log
from probes.log.runs import Logs, open_logs
from probes.log.stored_directions import StoredDirections
from probes.log.writing.resuming import Position
from probes.log.writing.writer import RunWriter

__all__ = [
    "Evaluation",
    "Log",
    "LogLike",
    "Logs",
    "Manifest",
    "Position",
    "RunWriter",
    "Series",
    "SeriesLike",
    "StoredDirections",
    "memory_log",
    "open_log",
    "open_logs",
    "read_evaluation",
    "read_manifest",
    "write_evaluation",
    "write_manifest",
]
