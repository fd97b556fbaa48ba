"""The log store: what a run records is journalled at once, sealed as HDF5 later, and read at any time.

How a log is written stands here, the HDF5 files it becomes in `probes.segments`; what reading it takes stands in
`probes.logs` and is passed on.

Example:
    >>> import numpy as np
    >>> from probes.store import Manifest, RunWriter, Series, open_log
    >>> with RunWriter("runs/seed-0", Manifest("seed-0", (Series("w", ("neuron",), (2,)),))) as writer:
    ...     writer.append(0, {"w": np.ones(2, "f4")})
    >>> open_log("runs/seed-0")["w"][:]
    array([[1., 1.]], dtype=float32)
"""

from probes.logs.directions import StoredDirections
from probes.logs.evaluation import Evaluation, read_evaluation, write_evaluation
from probes.logs.layout import Series
from probes.logs.manifest import Manifest, read_manifest, write_manifest
from probes.logs.memory import memory_log
from probes.logs.protocol import LogLike, SeriesLike
from probes.logs.reader import Log, open_log
from probes.logs.runs import Logs, open_logs
from probes.store.attempts import Position
from probes.store.writer import RunWriter

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
